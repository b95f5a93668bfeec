package cilium

import (
	"context"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// firstToAsk is the first version whose last act depends on its configuration; before it an agent
// always takes its CNI configuration away.
var firstToAsk = version.MustParseSemantic("1.13.0")

// remember keeps on the node's disk what the agent's configuration says as it starts: the hook that
// runs in its end reads it from there, whatever the ConfigMap says by then.
func (c *Cilium) remember(ctx context.Context, node *v1.Node, pod *v1.Pod, parsed *config) error {
	if cluster.IsReady(pod) || pod.DeletionTimestamp != nil {
		return nil
	}
	mine, err := versionOf(pod)
	uninstalls := parsed.uninstalls || (err == nil && mine.LessThan(firstToAsk))
	return c.network.Keep(ctx, node, cluster.Uninstall, strconv.FormatBool(uninstalls))
}

// leave is the last act of a chained agent: where it takes its configuration away, the VPC CNI's own
// is the first in the directory again.
func (c *Cilium) leave(ctx context.Context, node *v1.Node) error {
	if plugin, _ := network.Plugin(node); plugin != network.Cilium || node.Annotations[cluster.Uninstall] != "true" {
		return nil
	}
	owned, err := c.network.Owned(node, network.Cilium)
	if err != nil || len(owned) > 0 {
		return err
	}
	return c.network.Configure(ctx, node, network.VPCCNI)
}
