package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	ports "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// firstPod is the first number after the reserved identities, firstAddress the first one for addresses.
const (
	firstPod     = identity.NumericIdentity(256)
	firstAddress = identity.IdentityScopeLocal + 1
	clusterShift = 16
)

// identities returns for every endpoint the identity that an agent would give it.
func (e *Engine) identities(request *Case) ([]*identity.Identity, error) {
	clusters := slices.Sorted(maps.Keys(request.Clusters))
	known := make([]*identity.Identity, len(request.Endpoints))
	for index := range request.Endpoints {
		number, set, err := e.identityOf(request, index, clusters)
		if err != nil {
			return nil, err
		}
		known[index] = identity.NewIdentity(number, set)
	}
	return known, nil
}

func (e *Engine) identityOf(
	request *Case, index int, clusters []string,
) (identity.NumericIdentity, labels.Labels, error) {
	endpoint := request.Endpoints[index]
	switch {
	case endpoint.Entity != "":
		return reserved(endpoint.Entity)
	case endpoint.Address != "":
		address, err := netip.ParseAddr(endpoint.Address)
		if err != nil {
			return 0, nil, err
		}
		prefix := netip.PrefixFrom(address, address.BitLen())
		return firstAddress + identity.NumericIdentity(index), labels.GetCIDRLabels(prefix), nil
	default:
		cluster := slices.Index(clusters, endpoint.Cluster) + 1
		number := identity.NumericIdentity(cluster<<clusterShift) + firstPod + identity.NumericIdentity(index)
		if err := e.filterLabels(request.Clusters[endpoint.Cluster]); err != nil {
			return 0, nil, err
		}
		kept, _ := labelsfilter.Filter(labels.NewLabelsFromModel(endpoint.Labels))
		return number, kept, nil
	}
}

// reserved returns the number and labels of a reserved identity on EKS, where the API server is not on a node.
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

func (e Endpoint) namedPorts() ports.NamedPortMap {
	named := ports.NamedPortMap{}
	for name, port := range e.NamedPorts {
		protocol, _ := u8proto.ParseProtocol(port.Protocol)
		named[name] = ports.PortProto{Port: port.Number, Proto: protocol}
	}
	return named
}
