package network

import (
	"net/netip"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
)

// ofTheAgent is how many addresses of a node's part the agent takes: for its router, its health endpoint and
// ingress.
const ofTheAgent = 3

// OfTheAgent returns the addresses of an agent's router and of its health endpoint in its node's part.
func OfTheAgent(part string) (router, health string) {
	network, err := netip.ParsePrefix(part)
	if err != nil {
		return "", ""
	}
	first := network.Addr().Next()
	return first.String(), first.Next().String()
}

// inPart returns the addresses of a node's part that pods may have, in order: neither the first nor the last,
// which agents never assign (pkg/ipam/service/ipallocator), nor those of the agent.
func inPart(part string) []string {
	network, err := netip.ParsePrefix(part)
	if err != nil {
		return nil
	}
	var addresses []string
	for address := network.Addr().Next(); network.Contains(address.Next()); address = address.Next() {
		addresses = append(addresses, address.String())
	}
	return addresses[min(ofTheAgent, len(addresses)):]
}

// Source returns the address that a pod's packets have outside of its cluster: its node's where the VPC does not
// know the pod's, because agents masquerade there.
func Source(pod *v1.Pod, node *v1.Node) string {
	if pod.Spec.HostNetwork || node.Annotations[cluster.PodNetwork] == "" {
		return pod.Status.PodIP
	}
	for _, address := range node.Status.Addresses {
		if address.Type == v1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

// InOverlay tells whether an address belongs to the overlay of a cluster, so that only its nodes reach it.
func InOverlay(view *cluster.View, text string) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	for _, node := range view.Nodes() {
		part, err := netip.ParsePrefix(node.Annotations[cluster.PodNetwork])
		if err == nil && part.Contains(address) {
			return true
		}
	}
	return false
}
