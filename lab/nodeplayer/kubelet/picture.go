package kubelet

import (
	"context"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/settings"
)

// stage is the progress of a pod.
type stage int

const (
	// creating: no sandbox yet.
	creating stage = iota
	// initialising: the sandbox exists, init containers run, images are pulled.
	initialising
	// blocked: the containers do not run, for a reason.
	blocked
	// running: the containers run but are not ready.
	running
	// ready: the containers are ready.
	ready
	// completed: the containers have exited and are not restarted.
	completed
)

// picture is everything that a pod's status is rendered from.
type picture struct {
	stage           stage
	now             time.Time
	podIP, hostIP   string
	reason, message string
	exitCode        int32
	// again is when this picture changes without an event; zero if it does not.
	again time.Duration
}

// picture determines the current progress of a pod.
func (k *Kubelet) picture(ctx context.Context, pod *v1.Pod, node *v1.Node) (picture, error) {
	p := picture{stage: creating, now: k.clock.Now(), hostIP: internalIP(node)}
	if missing := k.missingVolume(pod); missing != "" && !hasStarted(pod) {
		k.view.Warn(ctx, "kubelet", pod, "FailedMount", missing)
		return p, nil
	}
	if !hasStarted(pod) && !k.volumes.Mounted(pod, node.Name) {
		return p, nil
	}
	address, err := k.address(ctx, pod, node)
	if err != nil || address == "" {
		return p, err
	}
	p.podIP, p.stage = address, initialising
	if due := k.startDue(pod); !hasStarted(pod) && k.isBefore(due) {
		p.again = k.left(due)
		return p, nil
	}
	if p.reason, p.message = k.failure(pod); p.reason != "" && p.reason != settings.NotReady {
		p.stage = blocked
		return p, nil
	}
	return k.afterStart(p, pod, node), nil
}

// afterStart determines the progress of the containers of a started pod.
func (k *Kubelet) afterStart(p picture, pod *v1.Pod, node *v1.Node) picture {
	p.stage = running
	since := k.watch.since(pod.UID, started, startedAt(pod, p.now))
	if pod.Spec.RestartPolicy != v1.RestartPolicyAlways {
		return k.toCompletion(p, pod, since)
	}
	if due := since.Add(k.readinessDelay(pod)); k.isBefore(due) {
		p.again = k.left(due)
		return p
	}
	if k.isHeldBack(p, pod, node) {
		return p
	}
	p.stage = ready
	return p
}

func (k *Kubelet) toCompletion(p picture, pod *v1.Pod, since time.Time) picture {
	p.stage = ready
	lasts, forever := k.runsFor(pod)
	if p.reason == settings.NotReady || pod.Annotations[cluster.Ready] == "false" {
		p.stage = running
	}
	if forever {
		return p
	}
	if due := since.Add(lasts); k.isBefore(due) {
		p.again = k.left(due)
		return p
	}
	p.stage, p.exitCode = completed, exitCode(pod)
	if p.exitCode != 0 && pod.Spec.RestartPolicy == v1.RestartPolicyOnFailure {
		p.stage, p.reason = blocked, "CrashLoopBackOff"
		p.message = "back-off restarting failed container"
	}
	return p
}

func (k *Kubelet) isHeldBack(p picture, pod *v1.Pod, node *v1.Node) bool {
	if p.reason == settings.NotReady || pod.Annotations[cluster.Ready] == "false" {
		return true
	}
	gate := k.gates[cluster.RoleOf(pod)]
	return gate != nil && gate(pod, node) != ""
}

// startDue returns when the main containers of a pod with a sandbox run.
func (k *Kubelet) startDue(pod *v1.Pod) time.Time {
	box := k.clock.Now()
	if condition := cluster.Condition(pod, v1.PodReadyToStartContainers); condition != nil && condition.Status == v1.ConditionTrue {
		box = k.watch.since(pod.UID, sandboxed, condition.LastTransitionTime.Time)
	}
	inits := time.Duration(len(pod.Spec.InitContainers)) * k.settings.InitContainer.Duration()
	return box.Add(inits + k.settings.Start(string(pod.UID)))
}

func (k *Kubelet) readinessDelay(pod *v1.Pod) time.Duration {
	if cluster.RoleOf(pod).IsAgent() {
		return k.settings.AgentStart.Duration()
	}
	for index := range pod.Spec.Containers {
		if pod.Spec.Containers[index].ReadinessProbe != nil {
			return k.settings.Readiness.Duration()
		}
	}
	return 0
}

// failure returns why a pod does not run: by its annotation, by the settings, or because a ConfigMap of its
// environment is missing.
func (k *Kubelet) failure(pod *v1.Pod) (reason, message string) {
	if reason = pod.Annotations[cluster.Fail]; reason != "" {
		return reason, pod.Annotations[cluster.FailMessage]
	}
	for index := range k.settings.Failures {
		if failure := &k.settings.Failures[index]; failure.Matches(pod.Namespace, pod.Spec.NodeName, pod.Labels) {
			return failure.Reason, failure.Message
		}
	}
	if missing := k.missingConfiguration(pod); missing != "" && !runs(&pod.Status) {
		return "CreateContainerConfigError", missing
	}
	return "", ""
}

func (k *Kubelet) runsFor(pod *v1.Pod) (lasts time.Duration, forever bool) {
	text := pod.Annotations[cluster.RunsFor]
	if text == "forever" {
		return 0, true
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return settings.Seconds(seconds).Duration(), false
	}
	return k.settings.Completion.Duration(), false
}

func exitCode(pod *v1.Pod) int32 {
	code, err := strconv.ParseInt(pod.Annotations[cluster.ExitCode], 10, 32)
	if err != nil {
		return 0
	}
	return int32(code)
}

// hasStarted tells whether any container of a pod has ever run.
func hasStarted(pod *v1.Pod) bool {
	for index := range pod.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[index]
		if status.State.Running != nil || status.State.Terminated != nil || status.LastTerminationState.Terminated != nil {
			return true
		}
	}
	return false
}

// startedAt returns when the containers of a pod started.
func startedAt(pod *v1.Pod, otherwise time.Time) time.Time {
	for index := range pod.Status.ContainerStatuses {
		if state := pod.Status.ContainerStatuses[index].State.Running; state != nil {
			return state.StartedAt.Time
		}
	}
	return otherwise
}
