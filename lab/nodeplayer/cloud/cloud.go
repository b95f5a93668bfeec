// Package cloud provides network interfaces to CNIs: from EC2, or, where the cluster has no cloud, from a
// range of the player's own.
package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Interface is an elastic network interface that is attached to an instance for pods.
type Interface struct {
	Owner          string   `json:"owner,omitempty"`
	ID             string   `json:"interfaceId"`
	MAC            string   `json:"mac"`
	SubnetID       string   `json:"subnetId"`
	SubnetCIDR     string   `json:"subnetCidr"`
	PrimaryIP      string   `json:"primaryIp"`
	Addresses      []string `json:"addresses"`
	Number         int      `json:"number"`
	SecurityGroups []string `json:"securityGroups"`
}

// ForPods returns the addresses that pods may have: all but the interface's own.
func (i *Interface) ForPods() []string {
	addresses := make([]string, 0, len(i.Addresses))
	for _, address := range i.Addresses {
		if address != i.PrimaryIP {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// Placement says where interfaces for pods are made, and which of an instance's interfaces serve pods.
type Placement struct {
	// Subnets are those that may hold the interface, one in the instance's zone; its own subnet when empty.
	Subnets []string `json:"subnetIds,omitempty"`
	// FirstIndex is the number of the first interface that gives pods addresses.
	FirstIndex int `json:"firstIndex,omitempty"`
}

// Interfaces attaches one more interface to an instance.
type Interfaces interface {
	Attach(ctx context.Context, instance, owner string, where Placement) (*Interface, error)
}

// Client calls the cloud over HTTP.
type Client struct {
	URL     string
	Cluster string
	HTTP    *http.Client
}

// NewClient returns a client of the cloud at a URL for one cluster.
func NewClient(url, cluster string) *Client {
	return &Client{URL: strings.TrimSuffix(url, "/"), Cluster: cluster, HTTP: &http.Client{Timeout: 30 * time.Second}}
}

// Attach lets the cloud create and attach an interface in the name of its owner.
func (c *Client) Attach(ctx context.Context, instance, owner string, where Placement) (*Interface, error) {
	body, err := json.Marshal(struct {
		Cluster  string `json:"cluster"`
		Instance string `json:"instance"`
		Owner    string `json:"owner"`
		Placement
	}{c.Cluster, instance, owner, where})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/lab/interfaces", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("cloud: an interface for %s: %w", instance, err)
	}
	defer response.Body.Close()
	return read(response, instance, owner)
}

func read(response *http.Response, instance, owner string) (*Interface, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("cloud: an interface for %s: %s: %s", instance, response.Status, firstLine(text))
	}
	created := &Interface{}
	if err := json.Unmarshal(text, created); err != nil {
		return nil, fmt.Errorf("cloud: an interface for %s: %w", instance, err)
	}
	if created.ID == "" {
		return nil, fmt.Errorf("cloud: an interface for %s: the answer names no interfaceId", instance)
	}
	created.Owner = owner
	return created, nil
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line[:min(len(line), 300)]
}
