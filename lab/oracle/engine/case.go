package engine

import "encoding/json"

// Case holds clusters with their policies, the endpoints of traffic, and flows between the endpoints.
type Case struct {
	Clusters  map[string]Cluster `json:"clusters"`
	Endpoints []Endpoint         `json:"endpoints"`
	Flows     []Flow             `json:"flows"`
}

// Cluster holds the policies of one cluster and how it enforces them.
type Cluster struct {
	// Mode is the enforcement mode: default, always or never.
	Mode string `json:"mode"`
	// OwnCluster: a peer selector without a cluster selects the own cluster only, as from Cilium 1.19 on.
	OwnCluster bool `json:"ownCluster"`
	// CIDRMatchMode is what networks select besides addresses outside: nodes, from 1.20 on also pods.
	CIDRMatchMode []string `json:"cidrMatchMode"`
	// Labels are the agents' own patterns for labels of identities, with spaces between them.
	Labels   string            `json:"labels"`
	Policies []json.RawMessage `json:"policies"`
}

// Endpoint is a pod of a cluster or, with an empty Cluster, outside of all clusters.
type Endpoint struct {
	Cluster string `json:"cluster"`
	// Labels are all that the pod has, each as source:key=value. Agents leave some out of its identity.
	Labels []string `json:"labels"`
	// Entity is the reserved identity of an endpoint that is not a pod, such as host.
	Entity string `json:"entity"`
	// Address is the IP address of an endpoint outside of all clusters.
	Address    string          `json:"address"`
	NamedPorts map[string]Port `json:"namedPorts"`
}

// Port is a port of a pod.
type Port struct {
	Number   uint16 `json:"number"`
	Protocol string `json:"protocol"`
}

// Flow goes from one endpoint to another; both are indices into Case.Endpoints.
type Flow struct {
	From     int    `json:"from"`
	To       int    `json:"to"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
}

// Verdict holds the verdicts of both clusters on a flow; an endpoint that is not a pod has none.
type Verdict struct {
	Egress  string `json:"egress,omitempty"`
	Ingress string `json:"ingress,omitempty"`
}
