package volumes

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// Written on a claim by Kubernetes' volume controller and the scheduler, for the provisioner.
const (
	provisionerAnnotation  = "volume.kubernetes.io/storage-provisioner"
	selectedNodeAnnotation = "volume.kubernetes.io/selected-node"
	provisionedAnnotation  = "pv.kubernetes.io/provisioned-by"
)

// reconcileClaim creates the volume of a claim once its zone is known.
func (v *Volumes) reconcileClaim(ctx context.Context, key string) (time.Duration, error) {
	claim := get[v1.PersistentVolumeClaim](v.claims, key)
	if claim == nil || !awaitsVolume(claim) {
		v.moments.forget("make " + key)
		return 0, nil
	}
	class := get[storagev1.StorageClass](v.classes, ptr.Deref(claim.Spec.StorageClassName, ""))
	if class == nil || !v.isControlled() {
		return 0, nil // the creation of either one triggers this again
	}
	node, ok := v.view.Node(claim.Annotations[selectedNodeAnnotation])
	if !ok {
		return 0, v.deselect(ctx, claim)
	}
	if left := v.moments.left("make "+key, v.settings.VolumeProvision.Duration()); left > 0 {
		return left, nil
	}
	volume := volumeFor(claim, class, node.Labels[v1.LabelTopologyZone])
	_, err := v.view.Client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return 0, nil
	}
	if err == nil {
		v.view.Log.Info("volume created", "volume", volume.Name, "claim", key, "node", node.Name)
	}
	return 0, err
}

// awaitsVolume tells whether the driver has to create a claim's volume now. The lab supports only volumes
// that wait for their first pod: others would have no zone.
func awaitsVolume(claim *v1.PersistentVolumeClaim) bool {
	return claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil &&
		claim.Annotations[provisionerAnnotation] == Driver && claim.Annotations[selectedNodeAnnotation] != ""
}

// deselect asks the scheduler for another node, because the chosen one was deleted.
func (v *Volumes) deselect(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":         claim.UID,
		"annotations": map[string]any{selectedNodeAnnotation: nil},
	}})
	if err != nil {
		return err
	}
	_, err = v.view.Client.CoreV1().PersistentVolumeClaims(claim.Namespace).
		Patch(ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func volumeFor(claim *v1.PersistentVolumeClaim, class *storagev1.StorageClass, zone string) *v1.PersistentVolume {
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "pvc-" + string(claim.UID),
			Annotations: map[string]string{provisionedAnnotation: Driver},
		},
		Spec: v1.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      claim.Spec.Resources.Requests,
			ClaimRef:                      claimReference(claim),
			PersistentVolumeReclaimPolicy: ptr.Deref(class.ReclaimPolicy, v1.PersistentVolumeReclaimDelete),
			StorageClassName:              class.Name,
			VolumeMode:                    claim.Spec.VolumeMode,
			NodeAffinity:                  &v1.VolumeNodeAffinity{Required: inZone(zone)},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				CSI: &v1.CSIPersistentVolumeSource{Driver: Driver, VolumeHandle: handle(claim.UID), FSType: "ext4"},
			},
		},
	}
}

func claimReference(claim *v1.PersistentVolumeClaim) *v1.ObjectReference {
	return &v1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim",
		Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
	}
}

func inZone(zone string) *v1.NodeSelector {
	in := v1.NodeSelectorRequirement{
		Key: v1.LabelTopologyZone, Operator: v1.NodeSelectorOpIn, Values: []string{zone},
	}
	return &v1.NodeSelector{
		NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{in}}},
	}
}

// handle returns a volume id in EC2's format.
func handle(claim types.UID) string {
	digits := strings.ReplaceAll(string(claim), "-", "")
	return "vol-" + digits[:min(len(digits), 17)]
}

// reconcileVolume deletes a volume that no claim refers to any more, once it is detached.
func (v *Volumes) reconcileVolume(ctx context.Context, name string) (time.Duration, error) {
	volume := get[v1.PersistentVolume](v.volumes, name)
	if volume == nil || !isDisposable(volume) || len(v.attachmentsOf(name)) > 0 {
		return 0, nil
	}
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &volume.UID}}
	err := v.view.Client.CoreV1().PersistentVolumes().Delete(ctx, name, options)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	return 0, err
}

func isDisposable(volume *v1.PersistentVolume) bool {
	return volume.Annotations[provisionedAnnotation] == Driver && volume.DeletionTimestamp == nil &&
		volume.Status.Phase == v1.VolumeReleased &&
		volume.Spec.PersistentVolumeReclaimPolicy == v1.PersistentVolumeReclaimDelete
}
