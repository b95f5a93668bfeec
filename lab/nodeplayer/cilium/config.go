package cilium

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
)

// config is the part of Cilium's configuration that the player uses.
type config struct {
	isChained bool
	// pool is set where pods have addresses of an overlay.
	pool *pool
	// placement is where the operator makes interfaces.
	placement   cloud.Placement
	uninstalls  bool
	clusterName string
	clusterID   int64
}

// configIn reads Cilium's configuration in a namespace; nil while there is none.
func configIn(view *cluster.View, namespace string) (*config, error) {
	source, ok := view.ConfigMap(namespace, cluster.CiliumConfig)
	if !ok {
		return nil, nil
	}
	return parseConfig(source.Data)
}

// parseConfig refuses modes that are not emulated, since their nodes would only seem to work.
func parseConfig(data map[string]string) (*config, error) {
	parsed := &config{clusterName: data["cluster-name"], uninstalls: data["cni-uninstall"] == "true"}
	switch mode := data["cni-chaining-mode"]; mode {
	case "", "none":
	case "aws-cni":
		parsed.isChained = true
	default:
		return nil, fmt.Errorf("%s: cni-chaining-mode %q is not emulated; aws-cni and none are", cluster.CiliumConfig, mode)
	}
	if err := parsed.readAddresses(data); err != nil {
		return nil, fmt.Errorf("%s: %w", cluster.CiliumConfig, err)
	}
	if parsed.clusterName == "" {
		parsed.clusterName = "default"
	}
	if text := data["cluster-id"]; text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: cluster-id %q is not a number", cluster.CiliumConfig, text)
		}
		parsed.clusterID = id
	}
	return parsed, nil
}

// readAddresses decides where pods' addresses come from. As in Cilium, ENI mode has no tunnels
// (daemon_main.go, "Cannot specify IPAM mode eni in tunnel mode"). Without them addresses of a pool have no way
// between nodes of EKS, since no VPC routes them.
func (c *config) readAddresses(data map[string]string) error {
	isTunnelled := data["routing-mode"] == "tunnel" || data["tunnel"] == "vxlan" || data["tunnel"] == "geneve"
	switch ipam := data["ipam"]; {
	case c.isChained:
		return nil
	case ipam == "eni" && isTunnelled:
		return errors.New("cannot specify IPAM mode eni in tunnel mode")
	case ipam == "eni":
		found, err := placementIn(data)
		c.placement = found
		return err
	case ipam == "cluster-pool" && isTunnelled:
		if err := servesThroughTunnels(data); err != nil {
			return err
		}
		found, err := newPool(data["cluster-pool-ipv4-cidr"], data["cluster-pool-ipv4-mask-size"])
		c.pool = found
		return err
	case ipam == "cluster-pool":
		return errors.New("ipam \"cluster-pool\" needs tunnels: no VPC routes addresses of a pool")
	default:
		return fmt.Errorf("ipam %q is not emulated; eni and cluster-pool are, and any with cni-chaining-mode aws-cni", ipam)
	}
}

// placementIn reads the specification of every node's interfaces (pkg/nodediscovery/cell.go). The operator sees
// the subnets of subnet-ids-filter alone.
func placementIn(data map[string]string) (cloud.Placement, error) {
	var where cloud.Placement
	if text := data["eni-first-interface-index"]; text != "" {
		number, err := strconv.Atoi(text)
		if err != nil {
			return where, fmt.Errorf("eni-first-interface-index %q is not a number", text)
		}
		where.FirstIndex = number
	}
	visible := strings.Fields(data["subnet-ids-filter"])
	for _, subnet := range strings.FieldsFunc(data["eni-subnet-ids"], func(r rune) bool { return r == ',' || r == ' ' }) {
		if len(visible) == 0 || slices.Contains(visible, subnet) {
			where.Subnets = append(where.Subnets, subnet)
		}
	}
	return where, nil
}

// servesThroughTunnels refuses what agents with tunnels refuse (pkg/kpr/initializer, daemon_main.go).
func servesThroughTunnels(data map[string]string) error {
	mode := data["bpf-lb-mode"]
	isVXLAN := data["tunnel"] == "vxlan" || data["routing-mode"] == "tunnel" && data["tunnel-protocol"] != "geneve"
	switch usesDSR := mode == "dsr" || mode == "hybrid"; {
	case usesDSR && isVXLAN:
		return fmt.Errorf("node port %q mode cannot be used with vxlan tunneling", mode)
	case usesDSR && data["bpf-lb-dsr-dispatch"] != "geneve":
		return fmt.Errorf("tunnel routing with node port %q mode requires geneve dispatch", mode)
	case data["install-no-conntrack-iptables-rules"] == "true":
		return errors.New("install-no-conntrack-iptables-rules requires the agent to run in direct routing mode")
	}
	return nil
}
