package cilium

import (
	"fmt"
	"strconv"

	"eks-cilium/lab/nodeplayer/cluster"
)

// config is the part of Cilium's configuration that the player uses.
type config struct {
	isChained   bool
	uninstalls  bool
	clusterName string
	clusterID   int64
}

// configIn reads Cilium's configuration in a namespace; nil while there is none.
func configIn(view *cluster.View, namespace string) (*config, error) {
	source, ok := view.ConfigMap(namespace, cluster.CiliumConfig)
	if !ok {
		return nil, nil
	}
	return parseConfig(source.Data)
}

// parseConfig refuses modes that are not emulated, since their nodes would only seem to work.
func parseConfig(data map[string]string) (*config, error) {
	parsed := &config{clusterName: data["cluster-name"], uninstalls: data["cni-uninstall"] == "true"}
	switch mode := data["cni-chaining-mode"]; mode {
	case "", "none":
	case "aws-cni":
		parsed.isChained = true
	default:
		return nil, fmt.Errorf("%s: cni-chaining-mode %q is not emulated; aws-cni and none are", cluster.CiliumConfig, mode)
	}
	if ipam := data["ipam"]; ipam != "eni" && !parsed.isChained {
		return nil, fmt.Errorf("%s: ipam %q is not emulated; eni is, and any with cni-chaining-mode aws-cni", cluster.CiliumConfig, ipam)
	}
	if parsed.clusterName == "" {
		parsed.clusterName = "default"
	}
	if text := data["cluster-id"]; text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: cluster-id %q is not a number", cluster.CiliumConfig, text)
		}
		parsed.clusterID = id
	}
	return parsed, nil
}
