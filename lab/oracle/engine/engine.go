// Package engine runs Cilium's policy engine: one policy repository for each cluster, because policies are
// not distributed between clusters, and one set of identities for all of them.
package engine

import (
	"encoding/json"
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

// Engine answers one case at a time, because part of Cilium's configuration is global.
type Engine struct {
	log *slog.Logger
}

// New configures Cilium like an agent on EKS: IPv4, CRD identities, SCTP and L7 rules enabled.
func New(log *slog.Logger) *Engine {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = false
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableSCTP = true
	option.Config.EnableNonDefaultDenyPolicies = true
	// The value that an agent derives from "auto" in Kubernetes.
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	return &Engine{log: log}
}

// Refused holds the policies of each cluster that agents refuse, by their index, and why.
type Refused map[string]map[int]string

// Verdicts answers one case. Policies that agents refuse have no part in the verdicts.
func (e *Engine) Verdicts(request *Case) ([]Verdict, Refused, error) {
	known, err := identities(request)
	if err != nil {
		return nil, nil, err
	}
	refused := Refused{}
	verdicts := make([]Verdict, len(request.Flows))
	for number, name := range slices.Sorted(maps.Keys(request.Clusters)) {
		option.Config.ClusterID, option.Config.ClusterName = uint32(number+1), name
		found, err := e.judge(request, name, known, verdicts)
		if err != nil {
			return nil, nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		if len(found) > 0 {
			refused[name] = found
		}
	}
	return verdicts, refused, nil
}

// judge fills in the verdicts of one cluster on the flows that have an endpoint in it, and returns the
// policies that its agents refuse.
func (e *Engine) judge(
	request *Case, name string, known []*identity.Identity, verdicts []Verdict,
) (map[int]string, error) {
	cluster := request.Clusters[name]
	policy.SetPolicyEnabled(cluster.Mode)
	api.InitEntities(name)
	manager := identitymanager.NewIDManager(e.log)
	repository, refused := e.repository(request, name, known, manager)
	for index, flow := range request.Flows {
		from, to := request.Endpoints[flow.From], request.Endpoints[flow.To]
		if from.Cluster != name && to.Cluster != name {
			continue
		}
		found, err := e.lookUp(request, flow, known, repository, manager)
		if err != nil {
			return nil, err
		}
		if from.Cluster == name {
			verdicts[index].Egress = found.Egress.String()
		}
		if to.Cluster == name {
			verdicts[index].Ingress = found.Ingress.String()
		}
	}
	return refused, nil
}

func (e *Engine) lookUp(
	request *Case, flow Flow, known []*identity.Identity, repository *policy.Repository, manager identitymanager.IDManager,
) (types.LookupResult, error) {
	protocol, err := u8proto.ParseProtocol(flow.Protocol)
	if err != nil {
		return types.LookupResult{}, err
	}
	tcp, udp := portsByName(request.Endpoints[flow.To].NamedPorts)
	verdict, _, _, err := policy.LookupFlow(e.log, repository, manager, types.Flow{
		From: known[flow.From], To: known[flow.To], Proto: protocol, Dport: flow.Port,
		NamedPortsTCP: tcp, NamedPortsUDP: udp,
	})
	return verdict, err
}

func (e *Engine) repository(
	request *Case, name string, known []*identity.Identity, manager identitymanager.IDManager,
) (*policy.Repository, map[int]string) {
	all := identity.IdentityMap{}
	for _, each := range known {
		all[each.ID] = each.LabelArray
	}
	secrets := certificatemanager.NewMockSecretManagerInline()
	translator := envoypolicy.NewEnvoyL7RulesTranslator(e.log, secrets)
	repository := policy.NewPolicyRepository(e.log, all, nil, translator, manager, nil)
	repository.UpdateIdentities(all, nil)
	repository.SetNamedPortsGetter(namedPorts(request, known))
	scope := ""
	if request.Clusters[name].OwnCluster {
		scope = name
	}
	refused := map[int]string{}
	for index, raw := range request.Clusters[name].Policies {
		if err := e.add(repository, raw, scope); err != nil {
			refused[index] = err.Error()
		}
	}
	return repository, refused
}

// add gives a policy to the repository. An agent ends where this panics, so it enforces no such policy either.
func (e *Engine) add(repository *policy.Repository, raw json.RawMessage, scope string) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("an agent ends with a panic: %v", reason)
		}
	}()
	entries, resource, err := e.parse(raw, scope)
	if err == nil {
		repository.ReplaceByResource(entries, resource)
	}
	return err
}
