// Package vpccni emulates what the AWS VPC CNI's agent does on a node: it attaches interfaces to the
// instance, and its configuration makes the node's network ready.
package vpccni

import (
	"context"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// Agents are the aws-node pods of all nodes.
type Agents struct {
	View    *cluster.View
	Network *network.Network
}

// Reconcile does the next step of a node's aws-node pod, where there is one.
func (a *Agents) Reconcile(ctx context.Context, node *v1.Node) error {
	pod := a.View.Agent(node.Name, cluster.AWSNode)
	if pod == nil {
		return nil
	}
	if err := a.Network.Supply(ctx, node, network.VPCCNI, cloud.Placement{}); err != nil {
		return err
	}
	// Cilium's configuration stays the first in the directory.
	if plugin, _ := network.Plugin(node); !cluster.IsReady(pod) || plugin == network.Cilium {
		return nil
	}
	return a.Network.Configure(ctx, node, network.VPCCNI)
}

// Gate keeps an aws-node pod unready until it has an interface.
func (a *Agents) Gate(_ *v1.Pod, node *v1.Node) string {
	owned, err := a.Network.Owned(node, network.VPCCNI)
	if err != nil {
		return err.Error()
	}
	if len(owned) == 0 {
		return "no network interface has been attached yet"
	}
	return ""
}
