package volumes

import (
	"context"
	"encoding/json"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// zoneLabel is the driver's own name for the zone of a node.
const zoneLabel = "topology.ebs.csi.aws.com/zone"

// mostVolumes is the driver's limit of volumes per instance: that of a Nitro instance, less its root volume
// and the interfaces that a CNI attaches.
const mostVolumes = 25

// reconcileNode keeps a node's list of drivers: empty at first, with the EBS driver as soon as its pod is
// ready there.
func (v *Volumes) reconcileNode(ctx context.Context, name string) (time.Duration, error) {
	node, ok := v.view.Node(name)
	if !ok {
		return 0, nil
	}
	registration := get[storagev1.CSINode](v.registrations, name)
	if registration == nil {
		return 0, v.introduce(ctx, node)
	}
	if v.isRegistered(name) || !v.hasDriver(name) {
		return 0, nil
	}
	if err := v.label(ctx, node); err != nil {
		return 0, err
	}
	changed := registration.DeepCopy()
	changed.Spec.Drivers = append(changed.Spec.Drivers, storagev1.CSINodeDriver{
		Name:         Driver,
		NodeID:       network.InstanceOf(node),
		TopologyKeys: []string{v1.LabelOSStable, zoneLabel, v1.LabelTopologyZone},
		Allocatable:  &storagev1.VolumeNodeResources{Count: ptr.To[int32](mostVolumes)},
	})
	_, err := v.view.Client.StorageV1().CSINodes().Update(ctx, changed, metav1.UpdateOptions{})
	return 0, unlessGone(err)
}

func (v *Volumes) introduce(ctx context.Context, node *v1.Node) error {
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}
	registration := &storagev1.CSINode{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, OwnerReferences: []metav1.OwnerReference{owner}},
	}
	_, err := v.view.Client.StorageV1().CSINodes().Create(ctx, registration, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// hasDriver tells whether the driver's pod is ready on a node.
func (v *Volumes) hasDriver(node string) bool {
	for _, pod := range v.view.PodsOn(node) {
		if pod.Labels["app"] == nodeApp && cluster.IsReady(pod) {
			return true
		}
	}
	return false
}

// isRegistered tells whether the driver is in a node's list.
func (v *Volumes) isRegistered(node string) bool {
	registration := get[storagev1.CSINode](v.registrations, node)
	if registration == nil {
		return false
	}
	for index := range registration.Spec.Drivers {
		if registration.Spec.Drivers[index].Name == Driver {
			return true
		}
	}
	return false
}

func (v *Volumes) label(ctx context.Context, node *v1.Node) error {
	zone := node.Labels[v1.LabelTopologyZone]
	if zone == "" || node.Labels[zoneLabel] == zone {
		return nil
	}
	labels := map[string]string{zoneLabel: zone}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": node.UID, "labels": labels}})
	if err != nil {
		return err
	}
	written, err := v.view.Client.CoreV1().Nodes().
		Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err == nil {
		v.view.Wrote(written)
	}
	return unlessGone(err)
}
