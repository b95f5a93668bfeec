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
)

// parse reads a policy as an agent does. With an empty scope, a selector without a cluster selects any cluster.
func (c *cluster) parse(raw json.RawMessage, scope string) (entries, types.ResourceID, error) {
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
		parsed, err := rules(raw, &v2.CiliumNetworkPolicy{}, c.log, scope)
		return parsed, resource(types.ResourceKindCNP), err
	case "CiliumClusterwideNetworkPolicy":
		parsed, err := rules(raw, &v2.CiliumClusterwideNetworkPolicy{}, c.log, scope)
		return parsed, resource(types.ResourceKindCCNP), err
	case "NetworkPolicy":
		var written slim.NetworkPolicy
		if err := json.Unmarshal(raw, &written); err != nil {
			return nil, "", err
		}
		parsed, err := k8s.ParseNetworkPolicy(c.log, scope, &written)
		return parsed, resource(types.ResourceKindNetpol), err
	}
	return nil, "", fmt.Errorf("no policy of kind %q", object.Kind)
}

type ciliumPolicy interface {
	Parse(log *slog.Logger, clusterName string) (api.Rules, error)
}

func rules(raw json.RawMessage, parsed ciliumPolicy, log *slog.Logger, scope string) (entries, error) {
	if err := json.Unmarshal(raw, parsed); err != nil {
		return nil, err
	}
	found, err := parsed.Parse(log, scope)
	if err != nil {
		return nil, err
	}
	return entriesOf(found), nil
}
