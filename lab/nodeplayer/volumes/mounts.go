package volumes

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
)

// ClaimsOf returns the claims that a pod mounts.
func ClaimsOf(pod *v1.Pod) []string {
	var names []string
	for index := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[index]
		switch {
		case volume.PersistentVolumeClaim != nil:
			names = append(names, volume.PersistentVolumeClaim.ClaimName)
		case volume.Ephemeral != nil:
			names = append(names, pod.Name+"-"+volume.Name)
		}
	}
	return names
}

// Mounted tells whether everything that a pod mounts is available on its node.
func (v *Volumes) Mounted(pod *v1.Pod, node string) bool {
	for _, claim := range ClaimsOf(pod) {
		volume, ok := v.bound(pod.Namespace, claim)
		if !ok || isOurs(volume) && !v.isAttached(volume.Name, node) {
			return false
		}
	}
	return true
}

func (v *Volumes) isAttached(volume, node string) bool {
	for _, attachment := range v.attachmentsOf(volume) {
		if attachment.Spec.NodeName == node && attachment.Status.Attached && attachment.DeletionTimestamp == nil {
			return true
		}
	}
	return false
}

// InUse returns the volumes that a node's kubelet uses, by Kubernetes' names: those of all its pods that are
// not finished.
func (v *Volumes) InUse(node string) []v1.UniqueVolumeName {
	var names []v1.UniqueVolumeName
	for _, pod := range v.view.PodsOn(node) {
		if cluster.IsFinished(pod) {
			continue
		}
		for _, claim := range ClaimsOf(pod) {
			if volume, ok := v.bound(pod.Namespace, claim); ok && isOurs(volume) {
				names = append(names, uniqueName(volume))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bound returns the volume of a claim, when both refer to each other.
func (v *Volumes) bound(namespace, name string) (*v1.PersistentVolume, bool) {
	claim := get[v1.PersistentVolumeClaim](v.claims, namespace+"/"+name)
	if claim == nil || claim.Status.Phase != v1.ClaimBound {
		return nil, false
	}
	volume := get[v1.PersistentVolume](v.volumes, claim.Spec.VolumeName)
	return volume, volume != nil
}

func isOurs(volume *v1.PersistentVolume) bool {
	return volume.Spec.CSI != nil && volume.Spec.CSI.Driver == Driver
}

func uniqueName(volume *v1.PersistentVolume) v1.UniqueVolumeName {
	return v1.UniqueVolumeName("kubernetes.io/csi/" + Driver + "^" + volume.Spec.CSI.VolumeHandle)
}
