//go:build cilium_1_18 || cilium_1_19

package engine

import (
	"log/slog"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/spanstat"
	ports "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

func configure(log *slog.Logger) {
	// The value that an agent derives from "auto" in Kubernetes.
	option.Config.AllowLocalhost = option.AllowLocalhostAlways
	prepare(log)
}

func (c *cluster) newRepository() *policy.Repository {
	translator := envoypolicy.NewEnvoyL7RulesTranslator(c.log, certificatemanager.NewMockSecretManagerInline())
	repository := policy.NewPolicyRepository(c.log, c.all(), nil, translator, c.manager, noMetrics{})
	for _, each := range c.known {
		c.manager.Add(each)
	}
	return repository
}

// lookUp does what LookupFlow does in the tests of these releases (pkg/policy/lookup.go). That function knows
// the named ports of two endpoints only, where agents know those of all pods, and it leaves out every rule
// whose traffic goes through a proxy.
func (c *cluster) lookUp(flow Flow, protocol u8proto.U8proto) (egress, ingress bool, err error) {
	from, to := c.known[flow.From], c.known[flow.To]
	out := policy.EgressKey().WithIdentity(to.ID).WithPortProto(protocol, flow.Port)
	if egress, err = c.allows(flow.From, out); err != nil {
		return false, false, err
	}
	in := policy.IngressKey().WithIdentity(from.ID).WithPortProto(protocol, flow.Port)
	ingress, err = c.allows(flow.To, in)
	return egress, ingress, err
}

func (c *cluster) allows(endpoint int, key policy.Key) (bool, error) {
	own := &owner{
		id: uint64(endpoint), ports: c.request.Endpoints[endpoint].namedPorts(), all: c.namedPorts(),
	}
	rules, _, err := c.repository.GetSelectorPolicy(c.known[endpoint], 0, &statistics{}, own.id)
	if err != nil {
		return false, err
	}
	distilled := rules.DistillPolicy(c.log, own, redirects(rules, own))
	distilled.Ready()
	distilled.Detach(c.log)
	entry, _, _ := distilled.Lookup(key)
	return !entry.IsDeny(), nil
}

// redirects holds a port of the proxy for every rule that wants one, as pkg/endpoint/bpf.go does: without it
// the rule has no effect.
func redirects(rules policy.SelectorPolicy, own *owner) map[string]uint16 {
	found := map[string]uint16{}
	for filter, each := range rules.RedirectFilters() {
		port := filter.Port
		if port == 0 && filter.PortName != "" {
			port = own.GetNamedPort(filter.Ingress, filter.PortName, filter.U8Proto)
		}
		listener := each.Policy.GetListener()
		found[policy.ProxyID(uint16(own.id), filter.Ingress, string(filter.Protocol), port, listener)] = 1
	}
	return found
}

// namedPorts holds the named ports of the cluster's own pods: these releases pass none on to other clusters.
func (c *cluster) namedPorts() ports.NamedPortMultiMap {
	all := ports.NewNamedPortMultiMap()
	for _, endpoint := range c.request.Endpoints {
		if endpoint.Cluster == c.name {
			all.Update(nil, endpoint.namedPorts())
		}
	}
	return all
}

// owner is an endpoint as the engine asks it for its ports.
type owner struct {
	id    uint64
	ports ports.NamedPortMap
	all   ports.NamedPortMultiMap
}

func (o *owner) GetID() uint64 { return o.id }

// GetNamedPort is that of Endpoint in pkg/endpoint/policy.go.
func (o *owner) GetNamedPort(ingress bool, name string, protocol u8proto.U8proto) (port uint16) {
	if ingress {
		port, _ = o.ports.GetNamedPort(name, protocol)
	} else {
		port, _ = o.all.GetNamedPort(name, protocol)
	}
	return port
}

func (o *owner) PolicyDebug(string, ...any) {}

func (o *owner) IsHost() bool { return false }

func (o *owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

type noMetrics struct{}

func (noMetrics) AddRule(entry) {}

func (noMetrics) DelRule(entry) {}

type statistics struct{ waiting, calculation spanstat.SpanStat }

func (s *statistics) WaitingForPolicyRepository() *spanstat.SpanStat { return &s.waiting }

func (s *statistics) SelectorPolicyCalculation() *spanstat.SpanStat { return &s.calculation }
