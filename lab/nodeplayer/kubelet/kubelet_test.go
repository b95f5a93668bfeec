package kubelet

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
	"eks-cilium/lab/nodeplayer/settings"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// addresses gives the same address to every pod, or none.
type addresses struct{ refused bool }

func (a *addresses) Address(*v1.Pod, *v1.Node) (string, error) {
	if a.refused {
		return "", &network.SandboxError{Reason: "NetworkNotReady", Message: "no CNI"}
	}
	return "10.0.1.7", nil
}

func (a *addresses) Release(string, types.UID) {}

// disks are attached to every node, or to none.
type disks struct{ pending bool }

func (d *disks) Mounted(*v1.Pod, string) bool { return !d.pending }

func (d *disks) InUse(string) []v1.UniqueVolumeName { return nil }

func node() *v1.Node {
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "ip-10-0-0-4.ec2.internal", UID: "node-uid"},
		Spec:       v1.NodeSpec{ProviderID: "aws:///us-east-1a/i-1"},
	}
}

func pod() *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid", Annotations: map[string]string{}},
		Spec: v1.PodSpec{
			NodeName:      node().Name,
			RestartPolicy: v1.RestartPolicyAlways,
			Containers:    []v1.Container{{Name: "app", Image: "app:1", ReadinessProbe: &v1.Probe{}}},
		},
	}
}

// bench emulates one pod, step by step, with its own clock. The pod is fed back as written, so that no cache
// is involved.
type bench struct {
	t       *testing.T
	kubelet *Kubelet
	network *addresses
	volumes *disks
	clock   *testclock.FakePassiveClock
	pod     *v1.Pod
	gate    string
}

func newBench(t *testing.T, pod *v1.Pod) *bench {
	t.Helper()
	view, err := cluster.NewView(fake.NewClientset(node()), time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, network: &addresses{}, volumes: &disks{}, clock: testclock.NewFakePassiveClock(noon), pod: pod}
	gates := map[cluster.Role]Gate{cluster.CiliumAgent: func(*v1.Pod, *v1.Node) string { return b.gate }}
	b.kubelet = New(view, b.network, b.volumes, gates, settings.Defaults(), b.clock, "v1.36.3")
	return b
}

// step reconciles the pod once and returns its state.
func (b *bench) step() picture {
	b.t.Helper()
	now, err := b.kubelet.picture(b.t.Context(), b.pod, node())
	if err != nil {
		b.t.Fatal(err)
	}
	status := render(b.pod, now)
	if !equality.Semantic.DeepEqual(&b.pod.Status, status) {
		b.kubelet.stamp(b.pod, status)
		b.pod.Status = *status
	}
	return now
}

// settle reconciles the pod until it waits only for external changes.
func (b *bench) settle() picture {
	b.t.Helper()
	for range 20 {
		now := b.step()
		if now.again == 0 {
			return now
		}
		b.clock.SetTime(b.clock.Now().Add(now.again))
	}
	b.t.Fatal("the pod never settles")
	return picture{}
}

func (b *bench) passed() time.Duration { return b.clock.Since(noon) }

func TestAPodComesUpInItsTimeAndThenNothingMoreIsWritten(t *testing.T) {
	b := newBench(t, pod())
	if first := b.step(); first.stage != initialising || b.pod.Status.Phase != v1.PodPending {
		t.Errorf("at first: %+v", first)
	}
	if last := b.settle(); last.stage != ready || !cluster.IsReady(b.pod) {
		t.Errorf("at last: %+v", last)
	}
	config := settings.Defaults()
	if want := config.Start("web-uid") + config.Readiness.Duration(); b.passed() != want {
		t.Errorf("ready after %v, want %v", b.passed(), want)
	}
	b.clock.SetTime(noon.Add(time.Hour))
	if again := render(b.pod, b.step()); !equality.Semantic.DeepEqual(&b.pod.Status, again) {
		t.Error("a ready pod is written again")
	}
}

func TestAPodWithoutANetworkWaitsAsCreating(t *testing.T) {
	b := newBench(t, pod())
	b.network.refused = true
	waiting := b.settle()
	state := b.pod.Status.ContainerStatuses[0].State.Waiting
	if waiting.stage != creating || b.pod.Status.PodIP != "" || state.Reason != "ContainerCreating" {
		t.Errorf("%+v, %+v", waiting, b.pod.Status)
	}
	b.clock.SetTime(noon.Add(time.Hour))
	b.network.refused = false
	b.settle()
	if !cluster.IsReady(b.pod) || b.passed() < time.Hour+settings.Defaults().Start("web-uid") {
		t.Errorf("the delays begin with the sandbox, but it was ready after %v", b.passed())
	}
}

func TestAPodWaitsAsCreatingForItsVolumesButNotOnceItRuns(t *testing.T) {
	b := newBench(t, pod())
	b.volumes.pending = true
	if now := b.settle(); now.stage != creating {
		t.Errorf("without its volumes: %+v", now)
	}
	b.volumes.pending = false
	b.settle()
	b.volumes.pending = true
	if now := b.settle(); now.stage != ready {
		t.Errorf("once it runs: %+v", now)
	}
}

func TestAPodOnTheHostNetworkHasTheAddressOfItsNode(t *testing.T) {
	own := pod()
	own.Spec.HostNetwork = true
	b := newBench(t, own)
	b.network.refused = true
	b.settle()
	if !cluster.IsReady(b.pod) || b.pod.Status.PodIP != "10.0.0.4" {
		t.Errorf("%+v", b.pod.Status)
	}
}

func TestASuccessorGoesOnFromTheStatusAlone(t *testing.T) {
	b := newBench(t, pod())
	b.step()
	successor := newBench(t, b.pod)
	successor.clock.SetTime(noon.Add(10 * time.Second))
	if now := successor.step(); now.stage != running {
		t.Errorf("%+v", now)
	}
	if successor.settle(); !cluster.IsReady(successor.pod) {
		t.Error("the pod is not ready")
	}
}

func TestAnAgentIsReadyWhenItsGateOpens(t *testing.T) {
	agent := pod()
	agent.Labels = map[string]string{"k8s-app": "cilium"}
	agent.Spec.HostNetwork = true
	b := newBench(t, agent)
	b.gate = "no CiliumNode"
	// The agent's ConfigMap is missing at first: the caches of this bench are empty.
	if now := b.settle(); now.stage != blocked || now.reason != "CreateContainerConfigError" {
		t.Errorf("%+v", now)
	}
	agent.Status.ContainerStatuses[0].State = v1.ContainerState{Running: &v1.ContainerStateRunning{}}
	if now := b.settle(); now.stage != running {
		t.Errorf("%+v", now)
	}
	b.gate = ""
	if now := b.settle(); now.stage != ready {
		t.Errorf("%+v", now)
	}
}

func TestACrashCountsOneRestartAndTheNextRunAnother(t *testing.T) {
	b := newBench(t, pod())
	b.settle()
	b.pod.Annotations[cluster.Fail] = "CrashLoopBackOff"
	b.settle()
	b.settle()
	status := b.pod.Status.ContainerStatuses[0]
	if status.RestartCount != 1 || status.LastTerminationState.Terminated.ExitCode != 1 || status.State.Waiting == nil {
		t.Errorf("%+v", status)
	}
	delete(b.pod.Annotations, cluster.Fail)
	b.settle()
	if status = b.pod.Status.ContainerStatuses[0]; !status.Ready || status.RestartCount != 1 {
		t.Errorf("%+v", status)
	}
}

func TestAReadinessGateKeepsARunningPodFromBeingReady(t *testing.T) {
	gated := pod()
	gated.Spec.ReadinessGates = []v1.PodReadinessGate{{ConditionType: "target-health"}}
	b := newBench(t, gated)
	b.settle()
	if condition := cluster.Condition(b.pod, v1.PodReady); condition.Status != v1.ConditionFalse || condition.Reason != "ReadinessGatesNotReady" {
		t.Errorf("%+v", condition)
	}
	b.pod.Status.Conditions = append(b.pod.Status.Conditions, v1.PodCondition{Type: "target-health", Status: v1.ConditionTrue})
	if b.settle(); !cluster.IsReady(b.pod) {
		t.Error("the gate is open but the pod is not ready")
	}
}

func TestASidecarRunsOnWhileOtherInitContainersComplete(t *testing.T) {
	with := pod()
	with.Spec.InitContainers = []v1.Container{{Name: "setup"}, {Name: "proxy", RestartPolicy: ptr.To(v1.ContainerRestartPolicyAlways)}}
	b := newBench(t, with)
	b.settle()
	setup, proxy := b.pod.Status.InitContainerStatuses[0], b.pod.Status.InitContainerStatuses[1]
	if setup.State.Terminated == nil || proxy.State.Running == nil || !proxy.Ready || !cluster.IsReady(b.pod) {
		t.Errorf("%+v\n%+v", setup, proxy)
	}
}

func TestWhatIsMeantToCompleteCompletes(t *testing.T) {
	for code, phase := range map[string]v1.PodPhase{"": v1.PodSucceeded, "2": v1.PodFailed} {
		job := pod()
		job.Spec.RestartPolicy = v1.RestartPolicyNever
		job.Annotations = map[string]string{cluster.ExitCode: code, cluster.RunsFor: "90"}
		b := newBench(t, job)
		b.settle()
		if b.pod.Status.Phase != phase || b.passed() < 90*time.Second {
			t.Errorf("exit code %q: %s after %v", code, b.pod.Status.Phase, b.passed())
		}
	}
}

func TestContainersNeedTheirTimeAndTheirPreStopHookToExit(t *testing.T) {
	b := newBench(t, pod())
	if needs := b.kubelet.needsToExit(b.pod); needs != 0 {
		t.Errorf("a pod that never ran needs %v", needs)
	}
	b.settle()
	b.pod.Annotations[cluster.TerminationSeconds] = "2.5"
	b.pod.Spec.Containers[0].Lifecycle = &v1.Lifecycle{PreStop: &v1.LifecycleHandler{Sleep: &v1.SleepAction{Seconds: 4}}}
	if needs := b.kubelet.needsToExit(b.pod); needs != 6500*time.Millisecond {
		t.Errorf("needs %v", needs)
	}
}

func TestADeletionFromBeforeTheProcessBeganIsCountedFromWhenItWasAskedFor(t *testing.T) {
	b := newBench(t, pod())
	deleted := func(asked time.Time) *v1.Pod {
		going := pod()
		going.DeletionTimestamp = ptr.To(metav1.NewTime(asked.Add(30 * time.Second)))
		return going
	}
	if got := b.kubelet.signalled(deleted(noon.Add(-20*time.Second)), 30*time.Second); !got.Equal(noon.Add(-20 * time.Second)) {
		t.Errorf("from before: %v", got)
	}
	b.clock.SetTime(noon.Add(1700 * time.Millisecond))
	if got := b.kubelet.signalled(deleted(noon.Add(time.Second)), 30*time.Second); !got.Equal(b.clock.Now()) {
		t.Errorf("from after: %v", got)
	}
}

func TestANodeReportsWhyItIsNotReadyAndThenThatItIs(t *testing.T) {
	b := newBench(t, pod())
	reported := node()
	b.kubelet.report(reported)
	condition := cluster.NodeCondition(reported, v1.NodeReady)
	if condition.Status != v1.ConditionFalse || !strings.HasSuffix(condition.Message, "cni plugin not initialized") {
		t.Errorf("%+v", condition)
	}
	reported.Annotations = map[string]string{cluster.Plugin: network.Cilium, cluster.PluginSince: noon.Format(time.RFC3339)}
	b.clock.SetTime(noon.Add(time.Minute))
	b.kubelet.report(reported)
	condition = cluster.NodeCondition(reported, v1.NodeReady)
	if condition.Status != v1.ConditionTrue || !condition.LastTransitionTime.Time.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", condition)
	}
	if internalIP(reported) != "10.0.0.4" {
		t.Errorf("address %s", internalIP(reported))
	}
}
