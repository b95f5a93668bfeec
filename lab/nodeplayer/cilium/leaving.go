package cilium

import (
	"context"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// firstToAsk is the first version whose agent decides by its configuration whether to remove its CNI
// configuration at its end; older agents always remove it.
var firstToAsk = version.MustParseSemantic("1.13.0")

// remember stores the agent's configuration at its start on the node's disk: the hook that runs at the
// agent's end reads it from there, whatever the ConfigMap contains by then.
func (c *Cilium) remember(ctx context.Context, node *v1.Node, pod *v1.Pod, parsed *config) error {
	if cluster.IsReady(pod) || pod.DeletionTimestamp != nil {
		return nil
	}
	mine, err := versionOf(pod)
	uninstalls := parsed.uninstalls || (err == nil && mine.LessThan(firstToAsk))
	return c.network.Keep(ctx, node, cluster.Uninstall, strconv.FormatBool(uninstalls))
}

// leave emulates the end of a chained agent: where it removes its configuration, the VPC CNI's own is the
// first in the directory again.
func (c *Cilium) leave(ctx context.Context, node *v1.Node) error {
	if plugin, _ := network.Plugin(node); plugin != network.Cilium || node.Annotations[cluster.Uninstall] != "true" {
		return nil
	}
	if node.Annotations[cluster.PodNetwork] != "" {
		return nil // no other CNI is installed
	}
	owned, err := c.network.Owned(node, network.Cilium)
	if err != nil || len(owned) > 0 {
		return err
	}
	return c.network.Configure(ctx, node, network.VPCCNI)
}
