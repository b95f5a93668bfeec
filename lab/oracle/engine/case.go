package engine

import (
	"encoding/json"
	"slices"
)

// Case is a small world: clusters with their policies, ends of traffic, and flows between the ends.
type Case struct {
	Clusters map[string]Cluster `json:"clusters"`
	Ends     []End              `json:"ends"`
	Flows    []Flow             `json:"flows"`
}

// touches tells whether a flow begins or ends in a cluster.
func (c *Case) touches(cluster string) bool {
	return slices.ContainsFunc(c.Flows, func(flow Flow) bool {
		return c.Ends[flow.From].Cluster == cluster || c.Ends[flow.To].Cluster == cluster
	})
}

// Cluster is what one cluster enforces.
type Cluster struct {
	// Mode is the enforcement mode: default, always or never.
	Mode string `json:"mode"`
	// OwnCluster says that a peer selector without a cluster means its own one, as from 1.19 on.
	OwnCluster bool              `json:"ownCluster"`
	Policies   []json.RawMessage `json:"policies"`
}

// End is a pod of a cluster, or something outside of all of them when Cluster is empty.
type End struct {
	Cluster string `json:"cluster"`
	// Labels are the identity's, each as source:key=value.
	Labels []string `json:"labels"`
	// Entity is the reserved identity of an end that is no pod, such as host.
	Entity string `json:"entity"`
	// Address is that of an end in the world.
	Address    string          `json:"address"`
	NamedPorts map[string]Port `json:"namedPorts"`
}

// Port is a port of a pod.
type Port struct {
	Number   uint16 `json:"number"`
	Protocol string `json:"protocol"`
}

// Flow goes from one end to another, both given by their place in the list.
type Flow struct {
	From     int    `json:"from"`
	To       int    `json:"to"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
}

// Verdict is what the two clusters say of a flow. A side that is no pod has nothing to say.
type Verdict struct {
	Egress  string `json:"egress,omitempty"`
	Ingress string `json:"ingress,omitempty"`
}
