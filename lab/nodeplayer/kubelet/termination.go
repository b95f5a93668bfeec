package kubelet

import (
	"context"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/settings"
)

// The exit codes of containers that are told to end: sigkill when they did not exit within their grace
// period, sigterm when they were to complete and had not. A server ends its work and exits with zero.
const (
	sigkill = 137
	sigterm = 143
)

// terminate lets the containers of a deleted pod exit in their time, limited by its grace period, and then
// lets the API server remove the pod.
func (k *Kubelet) terminate(ctx context.Context, pod *v1.Pod) (time.Duration, error) {
	grace := time.Duration(ptr.Deref(pod.DeletionGracePeriodSeconds, 0)) * time.Second
	signalled := k.watch.since(pod.UID, terminating, k.signalled(pod, grace))
	needs := k.needsToExit(pod)
	if due := signalled.Add(min(needs, grace)); k.isBefore(due) {
		return k.left(due), nil
	}
	if err := k.bury(ctx, pod, needs > grace); err != nil {
		return 0, err
	}
	return 0, k.remove(ctx, pod)
}

// signalled returns when the pod's containers got SIGTERM: when its deletion was first seen, or, if that was
// before this process started, when it was requested.
func (k *Kubelet) signalled(pod *v1.Pod, grace time.Duration) time.Time {
	asked := pod.DeletionTimestamp.Add(-grace)
	if asked.Before(k.began) {
		return asked
	}
	return k.clock.Now()
}

// needsToExit returns how long the containers take from the deletion to their exit.
func (k *Kubelet) needsToExit(pod *v1.Pod) time.Duration {
	if !runs(&pod.Status) {
		return 0
	}
	needs := k.settings.Termination.Duration()
	if seconds, err := strconv.ParseFloat(pod.Annotations[cluster.TerminationSeconds], 64); err == nil {
		needs = settings.Seconds(seconds).Duration()
	}
	return needs + longestSleep(pod)
}

// longestSleep returns how long the preStop hooks of a pod's containers sleep; other hooks take no time here.
func longestSleep(pod *v1.Pod) time.Duration {
	var seconds int64
	for index := range pod.Spec.Containers {
		hooks := pod.Spec.Containers[index].Lifecycle
		if hooks != nil && hooks.PreStop != nil && hooks.PreStop.Sleep != nil {
			seconds = max(seconds, hooks.PreStop.Sleep.Seconds)
		}
	}
	return time.Duration(seconds) * time.Second
}

// bury reports the last status of a pod whose containers have exited.
func (k *Kubelet) bury(ctx context.Context, pod *v1.Pod, isKilled bool) error {
	if !runs(&pod.Status) {
		return nil
	}
	last := picture{stage: completed, now: k.clock.Now(), podIP: pod.Status.PodIP, hostIP: pod.Status.HostIP}
	switch {
	case isKilled:
		last.exitCode = sigkill
	case pod.Spec.RestartPolicy != v1.RestartPolicyAlways:
		last.exitCode = sigterm
	}
	return k.write(ctx, pod, render(pod, last))
}

func (k *Kubelet) remove(ctx context.Context, pod *v1.Pod) error {
	options := metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To(int64(0)),
		Preconditions:      &metav1.Preconditions{UID: &pod.UID},
	}
	err := k.view.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, options)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
