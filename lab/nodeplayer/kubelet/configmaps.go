package kubelet

import (
	"fmt"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
)

// missingVolume names the first ConfigMap that a pod mounts and that does not exist.
func (k *Kubelet) missingVolume(pod *v1.Pod) string {
	for index := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[index]
		for _, name := range mounted(volume) {
			if _, ok := k.view.ConfigMap(pod.Namespace, name); !ok {
				return fmt.Sprintf("MountVolume.SetUp failed for volume %q : configmap %q not found", volume.Name, name)
			}
		}
	}
	return ""
}

// mounted are the ConfigMaps that a volume cannot do without.
func mounted(volume *v1.Volume) []string {
	var names []string
	add := func(name string, optional *bool) {
		if optional == nil || !*optional {
			names = append(names, name)
		}
	}
	if source := volume.ConfigMap; source != nil {
		add(source.Name, source.Optional)
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.ConfigMap != nil {
				add(source.ConfigMap.Name, source.ConfigMap.Optional)
			}
		}
	}
	return names
}

// missingConfiguration names the first ConfigMap that a container needs and that does not exist. All
// of Cilium's own programs read theirs, whichever way their version gets at it.
func (k *Kubelet) missingConfiguration(pod *v1.Pod) string {
	var names []string
	for index := range pod.Spec.Containers {
		names = append(names, needed(&pod.Spec.Containers[index])...)
	}
	if role := cluster.RoleOf(pod); role == cluster.CiliumAgent || role == cluster.CiliumOperator {
		names = append(names, cluster.CiliumConfig)
	}
	for _, name := range names {
		if _, ok := k.view.ConfigMap(pod.Namespace, name); !ok {
			return fmt.Sprintf("configmap %q not found", name)
		}
	}
	return ""
}

func needed(container *v1.Container) []string {
	var names []string
	for _, variable := range container.Env {
		if variable.ValueFrom == nil || variable.ValueFrom.ConfigMapKeyRef == nil {
			continue
		}
		if source := variable.ValueFrom.ConfigMapKeyRef; source.Optional == nil || !*source.Optional {
			names = append(names, source.Name)
		}
	}
	for _, source := range container.EnvFrom {
		if source.ConfigMapRef != nil && (source.ConfigMapRef.Optional == nil || !*source.ConfigMapRef.Optional) {
			names = append(names, source.ConfigMapRef.Name)
		}
	}
	return names
}
