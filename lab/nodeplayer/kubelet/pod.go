package kubelet

import (
	"context"
	"errors"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// ReconcilePod does the next step in the lifecycle of a pod that is due. A pod on a node that is not emulated
// is ignored; when that node becomes known, its pods are reconciled again.
func (k *Kubelet) ReconcilePod(ctx context.Context, key string) (time.Duration, error) {
	pod, ok := k.view.Pod(key)
	if !ok || k.view.IsBehind(pod) {
		return 0, nil
	}
	node, ok := k.view.Node(pod.Spec.NodeName)
	switch {
	case !ok:
		return 0, nil
	case pod.DeletionTimestamp != nil:
		return k.terminate(ctx, pod)
	case cluster.IsFinished(pod):
		k.network.Release(node.Name, pod.UID)
		return 0, nil
	default:
		return k.live(ctx, pod, node)
	}
}

// Forget drops what is remembered about a deleted pod.
func (k *Kubelet) Forget(pod *v1.Pod) {
	k.watch.forget(pod.UID)
	k.network.Release(pod.Spec.NodeName, pod.UID)
	k.view.Forget(pod.UID)
}

// live updates the status of a pod that is meant to run.
func (k *Kubelet) live(ctx context.Context, pod *v1.Pod, node *v1.Node) (time.Duration, error) {
	now, err := k.picture(ctx, pod, node)
	if err != nil {
		return 0, err
	}
	return now.again, k.write(ctx, pod, render(pod, now))
}

// write updates a pod's status if it differs, and logs a change of its readiness or phase.
func (k *Kubelet) write(ctx context.Context, pod *v1.Pod, status *v1.PodStatus) error {
	if equality.Semantic.DeepEqual(&pod.Status, status) {
		return nil
	}
	k.stamp(pod, status)
	changed := pod.DeepCopy()
	changed.Status = *status
	written, err := k.view.Client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	k.view.Wrote(written)
	before, after := summary(pod), summary(written)
	if before != after {
		k.view.Log.Info("pod", "pod", pod.Namespace+"/"+pod.Name, "node", pod.Spec.NodeName, "is", after)
	}
	return nil
}

// stamp records the exact time of what the status shows for the first time.
func (k *Kubelet) stamp(pod *v1.Pod, status *v1.PodStatus) {
	k.watch.mark(pod.UID, admitted)
	after := &v1.Pod{Status: *status}
	if cluster.HasCondition(after, v1.PodReadyToStartContainers) {
		k.watch.mark(pod.UID, sandboxed)
	}
	if runs(status) && !runs(&pod.Status) {
		k.watch.restart(pod.UID, started)
	}
}

func runs(status *v1.PodStatus) bool {
	for index := range status.ContainerStatuses {
		if status.ContainerStatuses[index].State.Running != nil {
			return true
		}
	}
	return false
}

func summary(pod *v1.Pod) string {
	if cluster.IsReady(pod) {
		return string(pod.Status.Phase) + " and ready"
	}
	for index := range pod.Status.ContainerStatuses {
		if waiting := pod.Status.ContainerStatuses[index].State.Waiting; waiting != nil {
			return string(pod.Status.Phase) + ", " + waiting.Reason
		}
	}
	return string(pod.Status.Phase)
}

// address returns where a pod is reached: on its host, or where the CNI put it. A pod that has to wait gets
// no address and an event, which is no error.
func (k *Kubelet) address(ctx context.Context, pod *v1.Pod, node *v1.Node) (string, error) {
	if pod.Spec.HostNetwork {
		return internalIP(node), nil
	}
	if pod.Status.PodIP != "" {
		return pod.Status.PodIP, nil
	}
	address, err := k.network.Address(pod, node)
	var wait *network.SandboxError
	if errors.As(err, &wait) {
		k.view.Warn(ctx, "kubelet", pod, wait.Reason, wait.Message)
		return "", nil
	}
	return address, err
}
