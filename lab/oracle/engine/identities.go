package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy"
	ports "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// firstPod is the first number that is no reserved identity's, firstAddress that of identities of addresses.
const (
	firstPod     = identity.NumericIdentity(256)
	firstAddress = identity.IdentityScopeLocal + 1
	clusterShift = 16
)

// identities gives every end the identity that agents would give it.
func identities(asked *Case) ([]*identity.Identity, error) {
	clusters := slices.Sorted(maps.Keys(asked.Clusters))
	known := make([]*identity.Identity, len(asked.Ends))
	for index, end := range asked.Ends {
		number, set, err := identityOf(end, index, clusters)
		if err != nil {
			return nil, err
		}
		known[index] = identity.NewIdentity(number, set)
	}
	return known, nil
}

func identityOf(end End, index int, clusters []string) (identity.NumericIdentity, labels.Labels, error) {
	switch {
	case end.Entity != "":
		return reserved(end.Entity)
	case end.Address != "":
		address, err := netip.ParseAddr(end.Address)
		if err != nil {
			return 0, nil, err
		}
		prefix := netip.PrefixFrom(address, address.BitLen())
		return firstAddress + identity.NumericIdentity(index), labels.GetCIDRLabels(prefix), nil
	default:
		cluster := slices.Index(clusters, end.Cluster) + 1
		number := identity.NumericIdentity(cluster<<clusterShift) + firstPod + identity.NumericIdentity(index)
		return number, labels.NewLabelsFromModel(end.Labels), nil
	}
}

// reserved identities have the numbers and labels they have on EKS, where the API server is not on a node.
func reserved(entity string) (identity.NumericIdentity, labels.Labels, error) {
	number := identity.GetReservedID(entity)
	if number == identity.IdentityUnknown {
		return 0, nil, fmt.Errorf("no reserved identity %q", entity)
	}
	if number == identity.ReservedIdentityKubeAPIServer {
		return number, labels.LabelKubeAPIServerExt, nil
	}
	return number, labels.Labels{entity: labels.NewLabel(entity, "", labels.LabelSourceReserved)}, nil
}

// getter is what the engine asks for the ports that pods have given names to.
type getter struct{ ports.NamedPortMultiMap }

func (g getter) GetNamedPorts() ports.NamedPortMultiMap { return g.NamedPortMultiMap }

func namedPorts(asked *Case, known []*identity.Identity) policy.NamedPortsGetter {
	all := ports.NewNamedPortMultiMap()
	for index, end := range asked.Ends {
		named := ports.NamedPortMap{}
		for name, port := range end.NamedPorts {
			protocol, _ := u8proto.ParseProtocol(port.Protocol)
			named[name] = ports.PortProto{Port: port.Number, Proto: protocol}
		}
		all.Update(known[index].ID, nil, named)
	}
	return getter{all}
}

func portsByName(named map[string]Port) (tcp, udp map[string]uint16) {
	tcp, udp = map[string]uint16{}, map[string]uint16{}
	for name, port := range named {
		if strings.EqualFold(port.Protocol, "UDP") {
			udp[name] = port.Number
		} else {
			tcp[name] = port.Number
		}
	}
	return tcp, udp
}
