package network

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"eks-cilium/lab/nodeplayer/cluster"
)

func TestAPartHasAddressesForPodsBesideThoseOfTheAgent(t *testing.T) {
	free := inPart("10.64.3.0/24")
	if len(free) != 251 || free[0] != "10.64.3.4" || free[250] != "10.64.3.254" {
		t.Errorf("%d addresses from %s to %s", len(free), free[0], free[len(free)-1])
	}
	if router, health := OfTheAgent("10.64.3.0/24"); router != "10.64.3.1" || health != "10.64.3.2" {
		t.Errorf("got %s and %s", router, health)
	}
	if free := inPart("10.64.3.0/30"); len(free) != 0 {
		t.Errorf("got %v", free)
	}
}

func TestPodsOfAnOverlayLeaveWithTheAddressOfTheirNode(t *testing.T) {
	node := &v1.Node{Status: v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "10.0.0.4"}}}}
	pod := &v1.Pod{Status: v1.PodStatus{PodIP: "10.64.3.4"}}
	if got := Source(pod, node); got != "10.64.3.4" {
		t.Errorf("without an overlay: %s", got)
	}
	node.ObjectMeta = metav1.ObjectMeta{Annotations: map[string]string{cluster.PodNetwork: "10.64.3.0/24"}}
	if got := Source(pod, node); got != "10.0.0.4" {
		t.Errorf("with one: %s", got)
	}
	pod.Spec.HostNetwork = true
	pod.Status.PodIP = "10.0.0.4"
	if got := Source(pod, node); got != "10.0.0.4" {
		t.Errorf("on the host network: %s", got)
	}
}

func TestOnlyAddressesOfPodsAreInAnOverlay(t *testing.T) {
	w := newWorld(t)
	if err := w.network.Keep(t.Context(), w.node(), cluster.PodNetwork, "10.64.3.0/24"); err != nil {
		t.Fatal(err)
	}
	w.until("kept", func() bool { return w.node().Annotations[cluster.PodNetwork] != "" })
	for address, want := range map[string]bool{"10.64.3.9": true, "10.64.4.9": false, "10.0.0.4": false, "svc.ns.svc": false} {
		if got := InOverlay(w.view, address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestAPodOfAnOverlayGetsAnAddressOfItsNodesPartAndNoInterfaceIsAttached(t *testing.T) {
	w := newWorld(t)
	w.pod("cilium", map[string]string{"k8s-app": "cilium"})
	pod := w.pod("web", nil)
	if err := w.network.Keep(t.Context(), w.node(), cluster.PodNetwork, "10.64.3.0/24"); err != nil {
		t.Fatal(err)
	}
	if err := w.network.Configure(t.Context(), w.node(), Cilium); err != nil {
		t.Fatal(err)
	}
	w.until("configured", func() bool { plugin, _ := Plugin(w.node()); return plugin == Cilium })
	address, err := w.network.Address(pod, w.node())
	if err != nil || address != "10.64.3.4" || w.cloud.attached != 0 {
		t.Errorf("got %q, %v, %d interfaces", address, err, w.cloud.attached)
	}
}
