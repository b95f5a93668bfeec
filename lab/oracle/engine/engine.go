// Package engine drives Cilium's policy engine: one policy repository for each cluster, because policies
// are not distributed, and one set of identities that all of them know.
package engine

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// Engine answers cases, one after the other: part of Cilium's configuration is global.
type Engine struct {
	log *slog.Logger
}

// New configures Cilium as an agent on EKS is: IPv4, CRD identities, SCTP and L7 rules understood.
func New(log *slog.Logger) *Engine {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = false
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableSCTP = true
	option.Config.EnableNonDefaultDenyPolicies = true
	// What an agent makes of "auto" in Kubernetes.
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	return &Engine{log: log}
}

// Verdicts answers one case.
func (e *Engine) Verdicts(asked *Case) ([]Verdict, error) {
	known, err := identities(asked)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(asked.Flows))
	for number, name := range slices.Sorted(maps.Keys(asked.Clusters)) {
		if !asked.touches(name) {
			continue
		}
		option.Config.ClusterID, option.Config.ClusterName = uint32(number+1), name
		if err := e.judge(asked, name, known, verdicts); err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	return verdicts, nil
}

// judge fills in what one cluster says of the flows that begin or end in it.
func (e *Engine) judge(asked *Case, name string, known []*identity.Identity, verdicts []Verdict) error {
	cluster := asked.Clusters[name]
	policy.SetPolicyEnabled(cluster.Mode)
	api.InitEntities(name)
	manager := identitymanager.NewIDManager(e.log)
	repository, err := e.repository(asked, name, known, manager)
	if err != nil {
		return err
	}
	for index, flow := range asked.Flows {
		from, to := asked.Ends[flow.From], asked.Ends[flow.To]
		if from.Cluster != name && to.Cluster != name {
			continue
		}
		found, err := e.lookUp(asked, flow, known, repository, manager)
		if err != nil {
			return err
		}
		if from.Cluster == name {
			verdicts[index].Egress = found.Egress.String()
		}
		if to.Cluster == name {
			verdicts[index].Ingress = found.Ingress.String()
		}
	}
	return nil
}

func (e *Engine) lookUp(
	asked *Case, flow Flow, known []*identity.Identity, repository *policy.Repository, manager identitymanager.IDManager,
) (types.LookupResult, error) {
	protocol, err := u8proto.ParseProtocol(flow.Protocol)
	if err != nil {
		return types.LookupResult{}, err
	}
	tcp, udp := portsByName(asked.Ends[flow.To].NamedPorts)
	verdict, _, _, err := policy.LookupFlow(e.log, repository, manager, types.Flow{
		From: known[flow.From], To: known[flow.To], Proto: protocol, Dport: flow.Port,
		NamedPortsTCP: tcp, NamedPortsUDP: udp,
	})
	return verdict, err
}

func (e *Engine) repository(
	asked *Case, name string, known []*identity.Identity, manager identitymanager.IDManager,
) (*policy.Repository, error) {
	all := identity.IdentityMap{}
	for _, one := range known {
		all[one.ID] = one.LabelArray
	}
	secrets := certificatemanager.NewMockSecretManagerInline()
	translator := envoypolicy.NewEnvoyL7RulesTranslator(e.log, secrets)
	repository := policy.NewPolicyRepository(e.log, all, nil, translator, manager, nil)
	repository.UpdateIdentities(all, nil)
	repository.SetNamedPortsGetter(namedPorts(asked, known))
	scope := ""
	if asked.Clusters[name].OwnCluster {
		scope = name
	}
	for _, raw := range asked.Clusters[name].Policies {
		entries, resource, err := e.parse(raw, scope)
		if err != nil {
			return nil, err
		}
		repository.ReplaceByResource(entries, resource)
	}
	return repository, nil
}
