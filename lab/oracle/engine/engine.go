// Package engine runs Cilium's policy engine: one policy repository for each cluster, because policies are
// not distributed between clusters, and one set of identities for all of them.
//
// It is built for several releases of Cilium. What differs between them is in files with build tags; without
// a tag it is that of the newest one.
package engine

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/u8proto"
)

// Engine answers one case at a time, because part of Cilium's configuration is global.
type Engine struct {
	log *slog.Logger
	// labels is the option by which labels are filtered now.
	labels *string
}

// New configures Cilium like an agent on EKS: IPv4, CRD identities, SCTP and L7 rules enabled.
func New(log *slog.Logger) *Engine {
	option.Config.EnableIPv4 = true
	option.Config.EnableIPv6 = false
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableSCTP = true
	option.Config.EnableNonDefaultDenyPolicies = true
	configure(log)
	return &Engine{log: log}
}

// Refused holds the policies of each cluster that agents refuse, by their index, and why.
type Refused map[string]map[int]string

// Verdicts answers one case. Policies that agents refuse have no part in the verdicts.
func (e *Engine) Verdicts(request *Case) ([]Verdict, Refused, error) {
	known, err := e.identities(request)
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
	policy.SetPolicyEnabled(request.Clusters[name].Mode)
	option.Config.PolicyCIDRMatchMode = request.Clusters[name].CIDRMatchMode
	api.InitEntities(name)
	own := &cluster{log: e.log, name: name, request: request, known: known, manager: identitymanager.NewIDManager(e.log)}
	own.repository = own.newRepository()
	refused := own.addPolicies()
	for index, flow := range request.Flows {
		from, to := request.Endpoints[flow.From], request.Endpoints[flow.To]
		if from.Cluster != name && to.Cluster != name {
			continue
		}
		protocol, err := u8proto.ParseProtocol(flow.Protocol)
		if err != nil {
			return nil, err
		}
		egress, ingress, err := own.lookUp(flow, protocol)
		if err != nil {
			return nil, err
		}
		if from.Cluster == name {
			verdicts[index].Egress = decision(egress)
		}
		if to.Cluster == name {
			verdicts[index].Ingress = decision(ingress)
		}
	}
	return refused, nil
}

func decision(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "denied"
}

// filterLabels has Cilium filter labels as the agents of a cluster do.
func (e *Engine) filterLabels(cluster Cluster) error {
	if e.labels != nil && *e.labels == cluster.Labels {
		return nil
	}
	e.labels = &cluster.Labels
	return labelsfilter.ParseLabelPrefixCfg(e.log, strings.Fields(cluster.Labels), nil, "")
}

// cluster is one cluster of a case, as its agents see it.
type cluster struct {
	log     *slog.Logger
	name    string
	request *Case
	// known holds the identity of every endpoint of the case.
	known      []*identity.Identity
	manager    identitymanager.IDManager
	repository *policy.Repository
}

func (c *cluster) all() identity.IdentityMap {
	all := identity.IdentityMap{}
	for _, each := range c.known {
		all[each.ID] = each.LabelArray
	}
	return all
}

// addPolicies returns the policies that agents refuse, by their index, and why.
func (c *cluster) addPolicies() map[int]string {
	scope := ""
	if c.request.Clusters[c.name].OwnCluster {
		scope = c.name
	}
	refused := map[int]string{}
	for index, raw := range c.request.Clusters[c.name].Policies {
		if err := c.add(raw, scope); err != nil {
			refused[index] = err.Error()
		}
	}
	return refused
}

// add gives a policy to the repository. An agent ends where this panics, so it enforces no such policy either.
func (c *cluster) add(raw json.RawMessage, scope string) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("an agent ends with a panic: %v", reason)
		}
	}()
	parsed, resource, err := c.parse(raw, scope)
	if err == nil {
		c.repository.ReplaceByResource(parsed, resource)
	}
	return err
}
