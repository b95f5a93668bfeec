package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	testclock "k8s.io/utils/clock/testing"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
)

// small is a cloud whose interfaces have two addresses for pods, and which attaches two at most.
type small struct{ attached int }

func (s *small) Attach(_ context.Context, _, owner string, _ cloud.Placement) (*cloud.Interface, error) {
	if s.attached == 2 {
		return nil, errors.New("AttachmentLimitExceeded")
	}
	s.attached++
	base := fmt.Sprintf("10.0.%d.", s.attached)
	return &cloud.Interface{
		Owner: owner, ID: fmt.Sprintf("eni-%d", s.attached), PrimaryIP: base + "1",
		Addresses: []string{base + "1", base + "2", base + "3"},
	}, nil
}

type world struct {
	t       *testing.T
	client  *fake.Clientset
	view    *cluster.View
	cloud   *small
	network *Network
}

func newWorld(t *testing.T) *world {
	t.Helper()
	client := fake.NewClientset(&v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node", UID: "node-uid"},
		Spec:       v1.NodeSpec{ProviderID: "aws:///us-east-1a/i-1"},
	})
	view, err := cluster.NewView(client, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, client: client, view: view, cloud: &small{}}
	w.network = New(view, w.cloud, testclock.NewFakePassiveClock(time.Now()))
	if err := view.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) node() *v1.Node {
	node, _ := w.view.Node("node")
	return node
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	w.t.Fatal("never: " + what)
}

func (w *world) pod(name string, labels map[string]string) *v1.Pod {
	w.t.Helper()
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Labels: labels},
		Spec:       v1.PodSpec{NodeName: "node", HostNetwork: labels != nil},
		Status:     v1.PodStatus{Phase: v1.PodRunning},
	}
	if _, err := w.client.CoreV1().Pods("default").Create(w.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	w.until("pod "+name, func() bool { _, ok := w.view.Pod("default/" + name); return ok })
	return pod
}

func (w *world) supply() {
	w.t.Helper()
	if err := w.network.Supply(w.t.Context(), w.node(), VPCCNI, cloud.Placement{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refusal(pod *v1.Pod) string {
	_, err := w.network.Address(pod, w.node())
	var wait *SandboxError
	if errors.As(err, &wait) {
		return wait.Reason
	}
	return ""
}

func TestAnInterfaceIsAskedForOnceThoughTheCacheIsBehind(t *testing.T) {
	w := newWorld(t)
	stale := w.node()
	for range 5 {
		if err := w.network.Supply(t.Context(), stale, VPCCNI, cloud.Placement{}); err != nil {
			t.Fatal(err)
		}
	}
	if w.cloud.attached != 1 {
		t.Errorf("%d interfaces were attached", w.cloud.attached)
	}
}

func TestAPodWaitsForTheCNIThenForItsAgentAndThenGetsAnAddress(t *testing.T) {
	w := newWorld(t)
	pod := w.pod("web", nil)
	if reason := w.refusal(pod); reason != "NetworkNotReady" {
		t.Errorf("without a CNI: %q", reason)
	}
	w.supply()
	if err := w.network.Configure(t.Context(), w.node(), VPCCNI); err != nil {
		t.Fatal(err)
	}
	w.until("configured", func() bool { plugin, _ := Plugin(w.node()); return plugin == VPCCNI })
	if reason := w.refusal(pod); reason != "FailedCreatePodSandBox" {
		t.Errorf("without an agent: %q", reason)
	}
	w.pod("aws-node", map[string]string{"k8s-app": "aws-node"})
	address, err := w.network.Address(pod, w.node())
	if again, _ := w.network.Address(pod, w.node()); err != nil || address != "10.0.1.2" || again != address {
		t.Errorf("got %q, then %q, %v", address, again, err)
	}
}

func TestMorePodsThanAddressesGetAnotherInterfaceUntilTheInstanceHasAll(t *testing.T) {
	w := newWorld(t)
	w.pod("aws-node", map[string]string{"k8s-app": "aws-node"})
	var pods []*v1.Pod
	for number := range 5 {
		pods = append(pods, w.pod(fmt.Sprintf("web-%d", number), nil))
	}
	if err := w.network.Configure(t.Context(), w.node(), VPCCNI); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		w.supply()
	}
	w.until("configured", func() bool { plugin, _ := Plugin(w.node()); return plugin == VPCCNI })
	given := map[string]bool{}
	for _, pod := range pods[:4] {
		address, err := w.network.Address(pod, w.node())
		if err != nil || given[address] {
			t.Fatalf("%s: %q, %v", pod.Name, address, err)
		}
		given[address] = true
	}
	if reason := w.refusal(pods[4]); reason != "FailedCreatePodSandBox" {
		t.Errorf("the fifth of four: %q", reason)
	}
	w.network.Release("node", pods[0].UID)
	if address, err := w.network.Address(pods[4], w.node()); err != nil || address != "10.0.1.2" {
		t.Errorf("after a release: %q, %v", address, err)
	}
}
