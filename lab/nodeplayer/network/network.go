// Package network emulates a node's pod network: which CNI is configured, which interfaces are attached for
// it, and which address a new pod gets. What a real node keeps on its disk is kept in annotations of the
// Node; what it keeps in its kernel is derived from the pods that run there.
package network

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
)

// The two CNIs, by the names that the cloud uses for the owners of interfaces.
const (
	Cilium = "cilium"
	VPCCNI = "aws-node"
)

// Network knows the pod networks of all nodes.
type Network struct {
	view   *cluster.View
	cloud  cloud.Interfaces
	clock  clock.PassiveClock
	leases leases

	mutex sync.Mutex
	// fresh holds interfaces that the cache of nodes may not show yet.
	fresh map[types.UID][]cloud.Interface
}

// New returns the network of a cluster whose interfaces come from a cloud.
func New(view *cluster.View, interfaces cloud.Interfaces, now clock.PassiveClock) *Network {
	return &Network{
		view: view, cloud: interfaces, clock: now,
		leases: leases{held: map[string]map[types.UID]string{}},
		fresh:  map[types.UID][]cloud.Interface{},
	}
}

// Plugin returns the CNI configured on a node and since when; "" while there is none.
func Plugin(node *v1.Node) (string, time.Time) {
	since, err := time.Parse(time.RFC3339, node.Annotations[cluster.PluginSince])
	if err != nil {
		return "", time.Time{}
	}
	return node.Annotations[cluster.Plugin], since
}

// Recorded returns the interfaces in a node's annotation.
func Recorded(node *v1.Node) ([]cloud.Interface, error) {
	text := node.Annotations[cluster.Interfaces]
	if text == "" {
		return nil, nil
	}
	var interfaces []cloud.Interface
	if err := json.Unmarshal([]byte(text), &interfaces); err != nil {
		return nil, fmt.Errorf("annotation %s of node %s: %w", cluster.Interfaces, node.Name, err)
	}
	return interfaces, nil
}

// Owned returns the interfaces of one owner on a node.
func (n *Network) Owned(node *v1.Node, owner string) ([]cloud.Interface, error) {
	all, err := n.interfaces(node)
	return slices.DeleteFunc(all, func(one cloud.Interface) bool { return one.Owner != owner }), err
}

func (n *Network) interfaces(node *v1.Node) ([]cloud.Interface, error) {
	recorded, err := Recorded(node)
	if err != nil {
		return nil, err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if fresh := n.fresh[node.UID]; len(fresh) > len(recorded) {
		return slices.Clone(fresh), nil
	}
	delete(n.fresh, node.UID)
	return recorded, nil
}

// Supply ensures that an owner has at least one interface on a node, and enough for the pods that are bound
// there.
func (n *Network) Supply(ctx context.Context, node *v1.Node, owner string, where cloud.Placement) error {
	owned, err := n.Owned(node, owner)
	if err != nil {
		return err
	}
	if len(owned) > 0 && len(pool(owned)) >= demand(n.view.PodsOn(node.Name)) {
		return n.record(ctx, node)
	}
	attached, err := n.cloud.Attach(ctx, InstanceOf(node), owner, where)
	if err != nil {
		return n.refused(node, owned, err)
	}
	n.view.Log.Info("interface attached", "node", node.Name, "owner", owner, "interface", attached.ID)
	all, err := n.interfaces(node)
	if err != nil {
		return err
	}
	n.mutex.Lock()
	n.fresh[node.UID] = append(all, *attached)
	n.mutex.Unlock()
	return n.record(ctx, node)
}

// refused ignores a refusal where interfaces exist already: the instance may have its maximum, and then its
// other pods wait, as on AWS.
func (n *Network) refused(node *v1.Node, owned []cloud.Interface, err error) error {
	if len(owned) == 0 {
		return err
	}
	n.view.Log.Warn("no further interface", "node", node.Name, "has", len(owned), "error", err.Error())
	return nil
}

// record writes new interfaces into the annotation.
func (n *Network) record(ctx context.Context, node *v1.Node) error {
	all, err := n.interfaces(node)
	if err != nil {
		return err
	}
	recorded, err := Recorded(node)
	if err != nil || len(recorded) == len(all) {
		return err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return n.annotate(ctx, node, map[string]string{cluster.Interfaces: string(text)})
}

// Configure writes a CNI's configuration, as its agent does once it runs.
func (n *Network) Configure(ctx context.Context, node *v1.Node, plugin string) error {
	if now, _ := Plugin(node); now == plugin {
		return nil
	}
	n.view.Log.Info("CNI configured", "node", node.Name, "cni", plugin)
	return n.annotate(ctx, node, map[string]string{
		cluster.Plugin:      plugin,
		cluster.PluginSince: n.clock.Now().UTC().Format(time.RFC3339),
	})
}

// Keep writes a value that a real node keeps on its disk.
func (n *Network) Keep(ctx context.Context, node *v1.Node, name, value string) error {
	if node.Annotations[name] == value {
		return nil
	}
	return n.annotate(ctx, node, map[string]string{name: value})
}

func (n *Network) annotate(ctx context.Context, node *v1.Node, annotations map[string]string) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": node.UID, "annotations": annotations},
	})
	if err != nil {
		return err
	}
	written, err := n.view.Client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err == nil {
		n.view.Wrote(written)
	}
	return err
}

// InUse returns the primary addresses of all interfaces in the cluster.
func InUse(view *cluster.View) map[string]bool {
	used := map[string]bool{}
	for _, node := range view.Nodes() {
		interfaces, err := Recorded(node)
		if err != nil {
			view.Log.Error("unreadable", "node", node.Name, "error", err.Error())
		}
		for _, one := range interfaces {
			used[one.PrimaryIP] = true
		}
	}
	return used
}
