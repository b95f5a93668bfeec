package kubelet

import (
	"fmt"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
)

// source is a ConfigMap or a Secret by name.
type source struct{ kind, name string }

const (
	configMap = "configmap"
	secret    = "secret"
)

// missingVolume names the first ConfigMap or Secret that a pod mounts and that does not exist.
func (k *Kubelet) missingVolume(pod *v1.Pod) string {
	for index := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[index]
		for _, wanted := range mounted(volume) {
			if !k.exists(pod.Namespace, wanted) {
				return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s %q not found", volume.Name, wanted.kind, wanted.name)
			}
		}
	}
	return ""
}

func (k *Kubelet) exists(namespace string, wanted source) bool {
	if wanted.kind == secret {
		_, ok := k.view.Secret(namespace, wanted.name)
		return ok
	}
	_, ok := k.view.ConfigMap(namespace, wanted.name)
	return ok
}

// mounted returns the ConfigMaps and Secrets that a volume requires.
func mounted(volume *v1.Volume) []source {
	var found []source
	add := func(kind, name string, optional *bool) {
		if optional == nil || !*optional {
			found = append(found, source{kind, name})
		}
	}
	if from := volume.ConfigMap; from != nil {
		add(configMap, from.Name, from.Optional)
	}
	if from := volume.Secret; from != nil {
		add(secret, from.SecretName, from.Optional)
	}
	if volume.Projected == nil {
		return found
	}
	for _, from := range volume.Projected.Sources {
		if from.ConfigMap != nil {
			add(configMap, from.ConfigMap.Name, from.ConfigMap.Optional)
		}
		if from.Secret != nil {
			add(secret, from.Secret.Name, from.Secret.Optional)
		}
	}
	return found
}

// missingConfiguration names the first ConfigMap that a container needs and that does not exist. Cilium's own
// programs all read theirs, by whichever mechanism of their version.
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
