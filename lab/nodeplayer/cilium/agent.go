package cilium

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// agentTaint keeps pods off a node until Cilium is ready there.
const agentTaint = "node.cilium.io/agent-not-ready"

// ReconcileNode does the next step of a node's agent, and of the operator for that node, where an agent runs.
func (c *Cilium) ReconcileNode(ctx context.Context, node *v1.Node) error {
	pod := c.view.Agent(node.Name, cluster.CiliumAgent)
	if pod == nil {
		return nil
	}
	parsed, err := configIn(c.view, pod.Namespace)
	if err != nil {
		c.view.Warn(ctx, "cilium-agent", pod, "Unhealthy", err.Error())
		return nil // only another configuration can help
	}
	if parsed == nil || !c.resources.AreKnown() {
		return nil
	}
	if pod.DeletionTimestamp != nil {
		return c.leave(ctx, node)
	}
	if err := c.remember(ctx, node, pod, parsed); err != nil {
		return err
	}
	if err := c.introduce(ctx, node, pod, parsed); err != nil {
		return err
	}
	if !cluster.IsReady(pod) {
		return nil
	}
	return c.release(ctx, node)
}

// introduce gives a node its CiliumNode, and its interfaces or its part of the pool, which needs an operator.
func (c *Cilium) introduce(ctx context.Context, node *v1.Node, pod *v1.Pod, parsed *config) error {
	isNew := c.resources.Get(NodeResource, node.Name) == nil
	if isNew && !c.hasOperator(pod.Namespace) {
		return nil
	}
	if parsed.pool != nil {
		return c.assign(ctx, node, parsed.pool)
	}
	if !parsed.isChained {
		if err := c.network.Supply(ctx, node, network.Cilium, parsed.placement); err != nil {
			return err
		}
	}
	owned, err := c.network.Owned(node, network.Cilium)
	if err != nil {
		return err
	}
	return c.keepCiliumNode(ctx, node, ciliumNode(node, owned, parsed.placement))
}

// assign gives a node its part of the pool. Where none is left, the operator writes its error into the
// CiliumNode, and tries again.
func (c *Cilium) assign(ctx context.Context, node *v1.Node, from *pool) error {
	part, full := c.partOf(node, from)
	if err := c.keepCiliumNode(ctx, node, overlayNode(node, part, full)); err != nil || full != nil {
		return errors.Join(err, full)
	}
	return c.network.Keep(ctx, node, cluster.PodNetwork, part)
}

// release makes a node with a ready agent available to pods.
func (c *Cilium) release(ctx context.Context, node *v1.Node) error {
	if err := c.network.Configure(ctx, node, network.Cilium); err != nil {
		return err
	}
	if err := c.liftTaint(ctx, node); err != nil {
		return err
	}
	return c.setNetworkAvailable(ctx, node)
}

// liftTaint removes the agent's taint like the real operator: with a patch that tests the taints it is based
// on, so that a taint added meanwhile is never lost.
func (c *Cilium) liftTaint(ctx context.Context, node *v1.Node) error {
	left := slices.DeleteFunc(slices.Clone(node.Spec.Taints), func(taint v1.Taint) bool { return taint.Key == agentTaint })
	if len(left) == len(node.Spec.Taints) {
		return nil
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/spec/taints", "value": node.Spec.Taints},
		{"op": "replace", "path": "/spec/taints", "value": left},
	})
	if err != nil {
		return err
	}
	written, err := c.view.Client.CoreV1().Nodes().Patch(ctx, node.Name, types.JSONPatchType, patch, metav1.PatchOptions{})
	if apierrors.IsInvalid(err) {
		return nil // the taints have changed, so this node will be reconciled again
	}
	if err == nil {
		c.view.Wrote(written)
		c.view.Log.Info("taint removed", "node", node.Name, "taint", agentTaint)
	}
	return err
}

// setNetworkAvailable sets the only node condition that Cilium owns.
func (c *Cilium) setNetworkAvailable(ctx context.Context, node *v1.Node) error {
	const reason = "CiliumIsUp"
	known := cluster.NodeCondition(node, v1.NodeNetworkUnavailable)
	if known != nil && known.Status == v1.ConditionFalse && known.Reason == reason {
		return nil
	}
	now := metav1.NewTime(c.clock.Now())
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []v1.NodeCondition{{
		Type: v1.NodeNetworkUnavailable, Status: v1.ConditionFalse,
		Reason: reason, Message: "Cilium is running on this node",
		LastHeartbeatTime: now, LastTransitionTime: now,
	}}}})
	if err != nil {
		return err
	}
	written, err := c.view.Client.CoreV1().Nodes().PatchStatus(ctx, node.Name, patch)
	if err == nil {
		c.view.Wrote(written)
	}
	return err
}

// AgentGate keeps an agent unready until its node has a CiliumNode with addresses, and in chaining mode until
// the VPC CNI, to which it is chained, is ready.
func (c *Cilium) AgentGate(pod *v1.Pod, node *v1.Node) string {
	parsed, err := configIn(c.view, pod.Namespace)
	switch {
	case err != nil:
		return err.Error()
	case parsed == nil:
		return cluster.CiliumConfig + " does not exist"
	case c.resources.Get(NodeResource, node.Name) == nil:
		return "its CiliumNode does not exist"
	case parsed.isChained && node.Annotations[cluster.Plugin] == "":
		return "the VPC CNI is not configured"
	case parsed.pool != nil && node.Annotations[cluster.PodNetwork] == "":
		return "the operator has not given it a part of the pool"
	case parsed.pool == nil && !parsed.isChained && !c.hasAddresses(node):
		return "the operator has not given it addresses"
	}
	return ""
}

func (c *Cilium) hasAddresses(node *v1.Node) bool {
	owned, err := c.network.Owned(node, network.Cilium)
	return err == nil && len(owned) > 0
}

// ownedBy returns a reference to the node with which an object is garbage-collected.
func ownedBy(node *v1.Node) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: ptr.To(false),
	}
}
