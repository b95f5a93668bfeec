//go:build !cilium_1_18 && !cilium_1_19

package engine

import (
	"log/slog"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
	ports "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

func configure(*slog.Logger) {
	// The value that an agent derives from "auto" in Kubernetes.
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
}

func (c *cluster) newRepository() *policy.Repository {
	translator := envoypolicy.NewEnvoyL7RulesTranslator(c.log, certificatemanager.NewMockSecretManagerInline())
	repository := policy.NewPolicyRepository(c.log, c.all(), nil, translator, c.manager, nil)
	repository.UpdateIdentities(c.all(), nil)
	repository.SetNamedPortsGetter(c.namedPorts())
	return repository
}

func (c *cluster) lookUp(flow Flow, protocol u8proto.U8proto) (egress, ingress bool, err error) {
	tcp, udp := portsByName(c.request.Endpoints[flow.To].NamedPorts)
	verdict, _, _, err := policy.LookupFlow(c.log, c.repository, c.manager, types.Flow{
		From: c.known[flow.From], To: c.known[flow.To], Proto: protocol, Dport: flow.Port,
		NamedPortsTCP: tcp, NamedPortsUDP: udp,
	})
	return verdict.Egress == types.DecisionAllowed, verdict.Ingress == types.DecisionAllowed, err
}

// getter gives the engine access to the named ports of pods.
type getter struct{ ports.NamedPortMultiMap }

func (g getter) GetNamedPorts() ports.NamedPortMultiMap { return g.NamedPortMultiMap }

// namedPorts holds the named ports of the pods of all clusters, because each passes its own on.
func (c *cluster) namedPorts() policy.NamedPortsGetter {
	all := ports.NewNamedPortMultiMap()
	for index, endpoint := range c.request.Endpoints {
		all.Update(c.known[index].ID, nil, endpoint.namedPorts())
	}
	return getter{all}
}

func portsByName(named map[string]Port) (tcp, udp map[string]uint16) {
	tcp, udp = map[string]uint16{}, map[string]uint16{}
	for name, port := range named {
		if protocol, _ := u8proto.ParseProtocol(port.Protocol); protocol == u8proto.UDP {
			udp[name] = port.Number
		} else {
			tcp[name] = port.Number
		}
	}
	return tcp, udp
}
