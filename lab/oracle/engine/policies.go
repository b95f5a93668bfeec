package engine

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/policy/api"
	policytypes "github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
)

// parse reads a policy as an agent does. With an empty scope, a selector without a cluster selects any cluster.
func (e *Engine) parse(raw json.RawMessage, scope string) (policytypes.PolicyEntries, types.ResourceID, error) {
	var object struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, "", err
	}
	resource := func(kind types.ResourceKind) types.ResourceID {
		return types.NewResourceID(kind, object.Metadata.Namespace, object.Metadata.Name)
	}
	switch object.Kind {
	case "CiliumNetworkPolicy":
		entries, err := rules(raw, &v2.CiliumNetworkPolicy{}, e, scope)
		return entries, resource(types.ResourceKindCNP), err
	case "CiliumClusterwideNetworkPolicy":
		entries, err := rules(raw, &v2.CiliumClusterwideNetworkPolicy{}, e, scope)
		return entries, resource(types.ResourceKindCCNP), err
	case "NetworkPolicy":
		var parsed slim.NetworkPolicy
		if err := json.Unmarshal(raw, &parsed); err != nil {
			return nil, "", err
		}
		entries, err := k8s.ParseNetworkPolicy(e.log, scope, &parsed)
		return entries, resource(types.ResourceKindNetpol), err
	}
	return nil, "", fmt.Errorf("no policy of kind %q", object.Kind)
}

type ciliumPolicy interface {
	Parse(log *slog.Logger, clusterName string) (api.Rules, error)
}

func rules(raw json.RawMessage, parsed ciliumPolicy, e *Engine, scope string) (policytypes.PolicyEntries, error) {
	if err := json.Unmarshal(raw, parsed); err != nil {
		return nil, err
	}
	found, err := parsed.Parse(e.log, scope)
	if err != nil {
		return nil, err
	}
	return utils.RulesToPolicyEntries(found), nil
}
