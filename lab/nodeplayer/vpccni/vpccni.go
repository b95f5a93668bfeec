// Package vpccni plays what the AWS VPC CNI's agent does on a node: it has interfaces attached to the
// instance, and when it is up, its configuration makes the node's network ready.
package vpccni

import (
	"context"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// Agents are the aws-node pods of all nodes.
type Agents struct {
	View    *cluster.View
	Network *network.Network
}

// Reconcile does what the aws-node pod of a node would do next; nothing where there is none.
func (a *Agents) Reconcile(ctx context.Context, node *v1.Node) error {
	pod := a.View.Agent(node.Name, cluster.AWSNode)
	if pod == nil {
		return nil
	}
	if err := a.Network.Supply(ctx, node, network.VPCCNI); err != nil {
		return err
	}
	// A configuration of Cilium's stays the first in the directory.
	if plugin, _ := network.Plugin(node); !cluster.IsReady(pod) || plugin == network.Cilium {
		return nil
	}
	return a.Network.Configure(ctx, node, network.VPCCNI)
}

// Gate holds an aws-node pod back until it has an interface.
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
