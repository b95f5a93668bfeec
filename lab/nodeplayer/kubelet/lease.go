package kubelet

import (
	"context"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// leases remembers the leases as last written, to renew them without reading them first. A lease's holder is
// its node's name, as for a real one, so that a restarted player may renew it at once.
type leases struct {
	mutex sync.Mutex
	last  map[string]*coordination.Lease
}

func newLeases() *leases { return &leases{last: map[string]*coordination.Lease{}} }

func (l *leases) get(node string, uid types.UID) *coordination.Lease {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	lease := l.last[node]
	if lease == nil || len(lease.OwnerReferences) != 1 || lease.OwnerReferences[0].UID != uid {
		return nil
	}
	return lease
}

func (l *leases) put(node string, lease *coordination.Lease) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if lease == nil {
		delete(l.last, node)
		return
	}
	l.last[node] = lease
}

// ReconcileLease renews a node's lease when it is due. The lease of a deleted node, or of a node whose
// instance is off, is not renewed; the garbage collector deletes the former.
func (k *Kubelet) ReconcileLease(ctx context.Context, name string) (time.Duration, error) {
	node, ok := k.view.Node(name)
	if !ok {
		k.leases.put(name, nil)
		return 0, nil
	}
	if due := node.CreationTimestamp.Add(k.settings.NodeBoot.Duration()); k.isBefore(due) {
		return k.left(due), nil
	}
	interval := k.settings.Renewal(k.view.NodeCount())
	last := k.leases.get(name, node.UID)
	if last != nil && k.isBefore(last.Spec.RenewTime.Add(interval)) {
		return k.left(last.Spec.RenewTime.Add(interval)), nil
	}
	lease, err := k.renew(ctx, node, last)
	k.leases.put(name, lease)
	return interval, err
}

// renew writes a lease over the last written one, or over whatever exists.
func (k *Kubelet) renew(ctx context.Context, node *v1.Node, last *coordination.Lease) (*coordination.Lease, error) {
	client := k.view.Client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	if last == nil {
		created, err := client.Create(ctx, k.lease(node), metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return orNil(created, err)
		}
		if last, err = client.Get(ctx, node.Name, metav1.GetOptions{}); err != nil {
			return nil, err
		}
	}
	next := k.lease(node)
	next.ResourceVersion = last.ResourceVersion
	return orNil(client.Update(ctx, next, metav1.UpdateOptions{}))
}

func orNil(lease *coordination.Lease, err error) (*coordination.Lease, error) {
	if err != nil {
		return nil, err
	}
	return lease, nil
}

func (k *Kubelet) lease(node *v1.Node) *coordination.Lease {
	return &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: v1.NamespaceNodeLease,
			Name:      node.Name,
			OwnerReferences: []metav1.OwnerReference{
				{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID},
			},
		},
		Spec: coordination.LeaseSpec{
			HolderIdentity:       ptr.To(node.Name),
			LeaseDurationSeconds: ptr.To(int32(k.settings.LeaseDuration)),
			RenewTime:            ptr.To(metav1.NewMicroTime(k.clock.Now())),
		},
	}
}
