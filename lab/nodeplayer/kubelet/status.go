package kubelet

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
)

// render returns the status that a kubelet writes for a pod of this progress. It is a pure function: the same
// picture of the same pod gives the same status, which is not written again.
func render(pod *v1.Pod, p picture) *v1.PodStatus {
	status := pod.Status.DeepCopy()
	status.Phase = phase(pod, p)
	status.ObservedGeneration = pod.Generation
	if status.StartTime == nil {
		status.StartTime = ptr.To(metav1.NewTime(p.now))
	}
	if p.podIP != "" {
		status.PodIP, status.PodIPs = p.podIP, []v1.PodIP{{IP: p.podIP}}
	}
	if p.hostIP != "" {
		status.HostIP, status.HostIPs = p.hostIP, []v1.HostIP{{IP: p.hostIP}}
	}
	status.InitContainerStatuses = initContainers(pod, p)
	status.ContainerStatuses = containers(pod, p)
	setConditions(pod, status, p)
	return status
}

func phase(pod *v1.Pod, p picture) v1.PodPhase {
	switch p.stage {
	case creating, initialising:
		return v1.PodPending
	case completed:
		if p.exitCode != 0 {
			return v1.PodFailed
		}
		return v1.PodSucceeded
	case blocked:
		if !hasStarted(pod) && p.reason != "CrashLoopBackOff" {
			return v1.PodPending
		}
	}
	return v1.PodRunning
}

// containers returns the statuses of a pod's main containers.
func containers(pod *v1.Pod, p picture) []v1.ContainerStatus {
	statuses := make([]v1.ContainerStatus, 0, len(pod.Spec.Containers))
	for index := range pod.Spec.Containers {
		status := known(pod, pod.Status.ContainerStatuses, &pod.Spec.Containers[index])
		advance(&status, pod, p)
		statuses = append(statuses, status)
	}
	return statuses
}

// known returns a container's earlier status, or a first one.
func known(pod *v1.Pod, statuses []v1.ContainerStatus, container *v1.Container) v1.ContainerStatus {
	for index := range statuses {
		if statuses[index].Name == container.Name {
			return *statuses[index].DeepCopy()
		}
	}
	return v1.ContainerStatus{Name: container.Name, Image: container.Image, Started: ptr.To(false)}
}

// advance updates a main container's status to a stage.
func advance(status *v1.ContainerStatus, pod *v1.Pod, p picture) {
	status.Ready = p.stage == ready
	status.Started = ptr.To(p.stage == running || p.stage == ready)
	switch p.stage {
	case creating, initialising:
		status.State = waiting(waitingReason(pod), "")
	case blocked:
		block(status, pod, p)
	case running, ready:
		run(status, pod, p.now)
	case completed:
		run(status, pod, p.now)
		exit(status, p)
	}
}

func waitingReason(pod *v1.Pod) string {
	if len(pod.Spec.InitContainers) > 0 {
		return "PodInitializing"
	}
	return "ContainerCreating"
}

func waiting(reason, message string) v1.ContainerState {
	return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// block stops a container for a reason; one that crashes has run and exited before.
func block(status *v1.ContainerStatus, pod *v1.Pod, p picture) {
	isBlockedAlready := status.State.Waiting != nil && status.State.Waiting.Reason == p.reason
	if p.reason == "CrashLoopBackOff" && !isBlockedAlready {
		run(status, pod, p.now)
		crashed := p
		crashed.exitCode = max(p.exitCode, 1)
		exit(status, crashed)
		status.LastTerminationState = status.State
		status.RestartCount++
	}
	status.State = waiting(p.reason, p.message)
}

// run starts a container that does not run.
func run(status *v1.ContainerStatus, pod *v1.Pod, now time.Time) {
	if status.State.Running != nil {
		return
	}
	status.ContainerID = containerID(pod, status)
	status.ImageID = status.Image
	status.State = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(now)}}
}

// exit ends a container that runs.
func exit(status *v1.ContainerStatus, p picture) {
	reason := "Completed"
	if p.exitCode != 0 {
		reason = "Error"
	}
	status.State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
		ExitCode: p.exitCode, Reason: reason, ContainerID: status.ContainerID,
		StartedAt: status.State.Running.StartedAt, FinishedAt: metav1.NewTime(p.now),
	}}
	status.Ready, status.Started = false, ptr.To(false)
}

func containerID(pod *v1.Pod, status *v1.ContainerStatus) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", pod.UID, status.Name, status.RestartCount))
	return fmt.Sprintf("containerd://%x", sum)
}

// initContainers returns the statuses of a pod's init containers: all wait, then the first one runs, then all
// have completed, except sidecars, which continue to run.
func initContainers(pod *v1.Pod, p picture) []v1.ContainerStatus {
	var statuses []v1.ContainerStatus
	for index := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[index]
		status := known(pod, pod.Status.InitContainerStatuses, container)
		isSidecar := container.RestartPolicy != nil && *container.RestartPolicy == v1.ContainerRestartPolicyAlways
		switch {
		case status.State.Terminated != nil:
		case p.stage == creating, p.stage == initialising && index > 0:
			status.State = waiting("PodInitializing", "")
		case p.stage == initialising, isSidecar && p.stage != completed:
			run(&status, pod, p.now)
			status.Ready, status.Started = isSidecar, ptr.To(true)
		default:
			run(&status, pod, p.now)
			exit(&status, picture{now: p.now})
			status.Ready = true
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// setConditions writes the conditions that a kubelet owns, with its wording.
func setConditions(pod *v1.Pod, status *v1.PodStatus, p picture) {
	isInitialised := p.stage > initialising || len(pod.Spec.InitContainers) == 0
	set := func(kind v1.PodConditionType, holds bool, reason, message string) {
		setCondition(status, p, kind, holds, reason, message)
	}
	set(v1.PodReadyToStartContainers, p.podIP != "" && p.stage != completed, "", "")
	switch {
	case p.stage == completed:
		reason := map[bool]string{true: "PodFailed", false: "PodCompleted"}[p.exitCode != 0]
		set(v1.PodInitialized, true, reason, "")
		set(v1.ContainersReady, false, reason, "")
		set(v1.PodReady, false, reason, "")
		return
	case isInitialised:
		set(v1.PodInitialized, true, "", "")
	default:
		set(v1.PodInitialized, false, "ContainersNotInitialized", unfinished(status.InitContainerStatuses, "incomplete"))
	}
	reason, message := "", ""
	if p.stage != ready {
		reason, message = "ContainersNotReady", unfinished(status.ContainerStatuses, "unready")
	}
	set(v1.ContainersReady, p.stage == ready, reason, message)
	if gate := closedGate(pod); p.stage == ready && gate != "" {
		set(v1.PodReady, false, "ReadinessGatesNotReady", gate)
		return
	}
	set(v1.PodReady, p.stage == ready, reason, message)
}

// closedGate names a readiness gate of a pod whose condition its controller has not set to true yet.
func closedGate(pod *v1.Pod) string {
	for _, gate := range pod.Spec.ReadinessGates {
		condition := cluster.Condition(pod, gate.ConditionType)
		if condition == nil {
			return fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType)
		}
		if condition.Status != v1.ConditionTrue {
			return fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %s", gate.ConditionType, condition.Status)
		}
	}
	return ""
}

func unfinished(statuses []v1.ContainerStatus, how string) string {
	var names []string
	for index := range statuses {
		if !statuses[index].Ready {
			names = append(names, statuses[index].Name)
		}
	}
	return fmt.Sprintf("containers with %s status: [%s]", how, strings.Join(names, " "))
}

func setCondition(status *v1.PodStatus, p picture, kind v1.PodConditionType, holds bool, reason, message string) {
	condition := v1.PodCondition{
		Type: kind, Status: v1.ConditionFalse, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(p.now),
	}
	if holds {
		condition.Status = v1.ConditionTrue
	}
	known := cluster.Condition(&v1.Pod{Status: *status}, kind)
	if known == nil {
		status.Conditions = append(status.Conditions, condition)
		return
	}
	if known.Status == condition.Status {
		condition.LastTransitionTime = known.LastTransitionTime
	}
	condition.ObservedGeneration = known.ObservedGeneration
	*known = condition
}
