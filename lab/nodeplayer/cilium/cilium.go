// Package cilium emulates Cilium's control loops: the operator, which registers the custom resource
// definitions and provides interfaces for nodes, and the agents, which make a node ready for pods and keep an
// endpoint and an identity for every pod. It emulates what the API server sees of them; no packet is ever
// forwarded or filtered.
package cilium

import (
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// Cilium emulates the operator and all agents of a cluster.
type Cilium struct {
	view       *cluster.View
	network    *network.Network
	resources  *Resources
	releases   *Releases
	identities identities
	parts      parts
	clock      clock.PassiveClock
}

// New returns the Cilium of a cluster, with the releases whose definitions its operator can register.
func New(view *cluster.View, client dynamic.Interface, pods *network.Network, resources *Resources,
	releases *Releases, now clock.PassiveClock,
) *Cilium {
	return &Cilium{
		view: view, network: pods, resources: resources, releases: releases, clock: now,
		identities: identities{client: client.Resource(IdentityResource), resources: resources},
		parts:      parts{given: map[types.UID]string{}},
	}
}
