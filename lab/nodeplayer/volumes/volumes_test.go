package volumes

import (
	"log/slog"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/settings"
)

const (
	here  = "ip-10-0-0-4.ec2.internal"
	there = "ip-10-0-0-5.ec2.internal"
	disk  = "pvc-1111-2222"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, UID: types.UID(name + "-uid")}
}

func node(name, zone string) *v1.Node {
	made := &v1.Node{ObjectMeta: named(name), Spec: v1.NodeSpec{ProviderID: "aws:///" + zone + "/i-1"}}
	made.Labels = map[string]string{v1.LabelTopologyZone: zone}
	return made
}

func driverPod(app, on string) *v1.Pod {
	made := &v1.Pod{ObjectMeta: named(app + "-" + on), Spec: v1.PodSpec{NodeName: on}}
	made.Namespace, made.Labels = "kube-system", map[string]string{"app": app}
	made.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}
	return made
}

func class() *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: named("gp3"), Provisioner: Driver}
}

func claim(annotations map[string]string) *v1.PersistentVolumeClaim {
	made := &v1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "data", Name: "disk", UID: "1111-2222"}}
	made.Annotations = annotations
	made.Spec.StorageClassName = ptr.To("gp3")
	return made
}

func selected(on string) map[string]string {
	return map[string]string{provisionerAnnotation: Driver, selectedNodeAnnotation: on}
}

func registered(name string) *storagev1.CSINode {
	made := &storagev1.CSINode{ObjectMeta: named(name)}
	made.Spec.Drivers = []storagev1.CSINodeDriver{{Name: Driver}}
	return made
}

func attachment(name, on string, attached bool) *storagev1.VolumeAttachment {
	made := &storagev1.VolumeAttachment{ObjectMeta: named(name)}
	made.Finalizers = []string{finalizer}
	made.Spec = storagev1.VolumeAttachmentSpec{
		Attacher: Driver, NodeName: on,
		Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: ptr.To(disk)},
	}
	made.Status.Attached = attached
	return made
}

// bench emulates the driver with given objects and its own clock.
type bench struct {
	*Volumes
	t      *testing.T
	clock  *testclock.FakePassiveClock
	client *fake.Clientset
}

func newBench(t *testing.T, world ...runtime.Object) *bench {
	t.Helper()
	client := fake.NewClientset(world...)
	log := slog.New(slog.DiscardHandler)
	view, err := cluster.NewView(client, time.Minute, log)
	if err != nil {
		t.Fatal(err)
	}
	clock := testclock.NewFakePassiveClock(noon)
	made, err := New(view, settings.Defaults(), clock, log)
	if err != nil {
		t.Fatal(err)
	}
	made.OnClaim, made.OnNode = func(string, string) {}, func(string) {}
	if err := view.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := made.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &bench{Volumes: made, t: t, clock: clock, client: client}
}

// pass reconciles, waits for as long as that requires, and reconciles again.
func (b *bench) pass(reconcile func() (time.Duration, error)) {
	b.t.Helper()
	left, err := reconcile()
	if err == nil && left > 0 {
		b.clock.SetTime(b.clock.Now().Add(left))
		_, err = reconcile()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) volumesMade() []v1.PersistentVolume {
	b.t.Helper()
	list, err := b.client.CoreV1().PersistentVolumes().List(b.t.Context(), metav1.ListOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return list.Items
}

func (b *bench) claim() {
	b.pass(func() (time.Duration, error) { return b.reconcileClaim(b.t.Context(), "data/disk") })
}

func (b *bench) attachment(name string) *storagev1.VolumeAttachment {
	b.t.Helper()
	b.pass(func() (time.Duration, error) { return b.reconcileAttachment(b.t.Context(), name) })
	found, err := b.client.StorageV1().VolumeAttachments().Get(b.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func TestAVolumeIsMadeInTheZoneOfTheNodeThatWasSelected(t *testing.T) {
	b := newBench(t, node(here, "us-east-1a"), node(there, "us-east-1b"), class(), claim(selected(there)),
		driverPod(controllerApp, here))
	b.claim()
	made := b.volumesMade()
	if len(made) != 1 {
		t.Fatalf("%d volumes were made", len(made))
	}
	zone := made[0].Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0]
	if zone != "us-east-1b" || made[0].Spec.ClaimRef.UID != "1111-2222" {
		t.Errorf("volume in zone %s of claim %s", zone, made[0].Spec.ClaimRef.UID)
	}
}

func TestNoVolumeIsMadeBeforeItsTime(t *testing.T) {
	controller := driverPod(controllerApp, here)
	other := map[string]string{provisionerAnnotation: "other.example", selectedNodeAnnotation: here}
	for name, world := range map[string][]runtime.Object{
		"without a pod that needs it":    {claim(map[string]string{provisionerAnnotation: Driver}), controller},
		"for another provisioner":        {claim(other), controller},
		"while the controller is not up": {claim(selected(here))},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, append(world, node(here, "us-east-1a"), class())...)
			b.claim()
			if made := b.volumesMade(); len(made) > 0 {
				t.Errorf("made %s", made[0].Name)
			}
		})
	}
}

func TestTheSchedulerIsAskedAgainWhenTheSelectedNodeIsGone(t *testing.T) {
	b := newBench(t, class(), claim(selected("gone")), driverPod(controllerApp, here))
	b.claim()
	found, err := b.client.CoreV1().PersistentVolumeClaims("data").Get(t.Context(), "disk", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if node, ok := found.Annotations[selectedNodeAnnotation]; ok {
		t.Errorf("node %s is still selected", node)
	}
}

func TestAVolumeIsAttachedToOneInstanceAtATime(t *testing.T) {
	world := []runtime.Object{node(here, "us-east-1a"), node(there, "us-east-1a"), registered(there),
		driverPod(controllerApp, here), attachment("new", there, false)}
	if found := newBench(t, world...).attachment("new"); !found.Status.Attached {
		t.Errorf("not attached: %v", found.Status.AttachError)
	}
	found := newBench(t, append(world, attachment("old", here, true))...).attachment("new")
	if found.Status.Attached || found.Status.AttachError == nil {
		t.Errorf("attached twice: %+v", found.Status)
	}
}

func TestAVolumeIsAttachedOnlyWhereTheDriverIsRegistered(t *testing.T) {
	b := newBench(t, node(there, "us-east-1a"), driverPod(controllerApp, there), attachment("new", there, false))
	if found := b.attachment("new"); found.Status.Attached {
		t.Error("attached without a driver")
	}
}

func TestDetachingTakesItsTimeUnlessTheInstanceIsGone(t *testing.T) {
	leaving := attachment("old", here, true)
	leaving.DeletionTimestamp = ptr.To(metav1.NewTime(noon))
	for name, known := range map[string]bool{"running": true, "gone": false} {
		world := []runtime.Object{leaving, driverPod(controllerApp, there), node(there, "us-east-1a")}
		if known {
			world = append(world, node(here, "us-east-1a"))
		}
		b := newBench(t, world...)
		left, err := b.reconcileAttachment(t.Context(), "old")
		if err != nil {
			t.Fatal(err)
		}
		if waits := left > 0; waits != known {
			t.Errorf("instance %s: waits for %s", name, left)
		}
	}
}

func TestAPodMountsWhatIsAttachedToItsNode(t *testing.T) {
	bound := claim(nil)
	bound.Spec.VolumeName, bound.Status.Phase = disk, v1.ClaimBound
	volume := &v1.PersistentVolume{ObjectMeta: named(disk)}
	volume.Spec.CSI = &v1.CSIPersistentVolumeSource{Driver: Driver, VolumeHandle: "vol-1"}
	pod := &v1.Pod{ObjectMeta: named("db"), Spec: v1.PodSpec{NodeName: here}}
	pod.Namespace = "data"
	pod.Spec.Volumes = []v1.Volume{{VolumeSource: v1.VolumeSource{
		PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "disk"},
	}}}
	b := newBench(t, bound, volume, pod, node(here, "us-east-1a"), attachment("va", here, true))
	if !b.Mounted(pod, here) || b.Mounted(pod, there) {
		t.Error("mounted where it is not attached, or not where it is")
	}
	if used := b.InUse(here); len(used) != 1 || used[0] != "kubernetes.io/csi/ebs.csi.aws.com^vol-1" {
		t.Errorf("in use: %v", used)
	}
	if used := b.InUse(there); len(used) > 0 {
		t.Errorf("in use elsewhere: %v", used)
	}
}
