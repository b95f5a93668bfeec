package cilium

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// errFull is the operator's error when every part of the pool is taken (pkg/ipam/allocator/podcidr).
var errFull = errors.New("allocator full")

// pool is the network of which the operator gives each node a part (pkg/ipam/cidrset).
type pool struct {
	networks []netip.Prefix
	bits     int
}

// newPool reads the operator's options, and refuses what the operator refuses at its start.
func newPool(networks, bits string) (*pool, error) {
	size, err := strconv.Atoi(bits)
	if err != nil || size < 1 || size > 30 {
		return nil, fmt.Errorf("cluster-pool-ipv4-mask-size %q is not a number from 1 to 30", bits)
	}
	created := &pool{bits: size}
	for _, text := range strings.Fields(networks) {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(created.networks, network.Overlaps) {
			return nil, fmt.Errorf("requested CIDR %s collides with another", text)
		}
		if network.Bits() > size {
			return nil, fmt.Errorf("%s holds no /%d", text, size)
		}
		created.networks = append(created.networks, network.Masked())
	}
	if len(created.networks) == 0 {
		return nil, errors.New("cluster-pool-ipv4-cidr must be provided when using ClusterPool")
	}
	return created, nil
}

// first returns the first part that is not taken.
func (p *pool) first(taken map[string]bool) (string, error) {
	for _, network := range p.networks {
		part := netip.PrefixFrom(network.Addr(), p.bits)
		for network.Contains(part.Addr()) {
			if !taken[part.String()] {
				return part.String(), nil
			}
			part = netip.PrefixFrom(after(part), p.bits)
		}
	}
	return "", errFull
}

// after returns the address that follows a network; the zero address behind the last.
func after(network netip.Prefix) netip.Addr {
	address := network.Addr().As4()
	number := uint64(address[0])<<24 | uint64(address[1])<<16 | uint64(address[2])<<8 | uint64(address[3])
	number += 1 << (32 - network.Bits())
	if number > 0xffffffff {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte{byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)})
}

// parts are those given to nodes whose CiliumNode may not show them yet.
type parts struct {
	mutex sync.Mutex
	given map[types.UID]string
}

// partOf gives a node its part of the pool, the same one for each call. A part is free again when the
// CiliumNode of its node is gone.
func (c *Cilium) partOf(node *v1.Node, from *pool) (string, error) {
	c.parts.mutex.Lock()
	defer c.parts.mutex.Unlock()
	taken := map[string]bool{}
	for _, known := range c.resources.All(NodeResource) {
		for _, part := range partsIn(known) {
			if isOf(known, node.UID) {
				return part, nil
			}
			taken[part] = true
		}
	}
	c.forgetNodesThatAreGone()
	if part := c.parts.given[node.UID]; part != "" {
		return part, nil
	}
	for _, part := range c.parts.given {
		taken[part] = true
	}
	part, err := from.first(taken)
	if err == nil {
		c.parts.given[node.UID] = part
	}
	return part, err
}

func (c *Cilium) forgetNodesThatAreGone() {
	there := map[types.UID]bool{}
	for _, node := range c.view.Nodes() {
		there[node.UID] = true
	}
	for uid := range c.parts.given {
		if !there[uid] {
			delete(c.parts.given, uid)
		}
	}
}

func partsIn(object *unstructured.Unstructured) []string {
	found, _, err := unstructured.NestedStringSlice(object.Object, "spec", "ipam", "podCIDRs")
	if err != nil {
		return nil
	}
	return found
}
