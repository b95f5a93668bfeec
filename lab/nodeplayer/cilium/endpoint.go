package cilium

import (
	"context"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// ReconcileEndpoint keeps a CiliumEndpoint for every pod that Cilium connected, and for no other.
func (c *Cilium) ReconcileEndpoint(ctx context.Context, key string) (time.Duration, error) {
	if !c.resources.AreKnown() {
		return 0, nil
	}
	present := c.resources.Get(EndpointResource, key)
	pod, isThere := c.view.Pod(key)
	switch {
	case isThere && c.isManaged(pod):
		return 0, c.keepEndpoint(ctx, pod, present)
	case present == nil:
		return 0, nil
	case isThere && isOf(present, pod.UID) && !cluster.IsFinished(pod):
		return 0, nil // its containers have not exited yet
	default:
		return 0, c.removeEndpoint(ctx, present)
	}
}

// isManaged tells whether Cilium created the network of a pod: whether it was the CNI of the node when the
// pod's sandbox was created. Older pods stay as they are until they are restarted.
func (c *Cilium) isManaged(pod *v1.Pod) bool {
	node, ok := c.view.Node(pod.Spec.NodeName)
	box := cluster.Condition(pod, v1.PodReadyToStartContainers)
	if !ok || pod.Spec.HostNetwork || pod.Status.PodIP == "" || cluster.IsFinished(pod) ||
		box == nil || box.Status != v1.ConditionTrue || pod.DeletionTimestamp != nil {
		return false
	}
	plugin, since := network.Plugin(node)
	return plugin == network.Cilium && !box.LastTransitionTime.Time.Before(since)
}

// keepEndpoint creates the endpoint of a pod, or updates its identity to the pod's labels.
func (c *Cilium) keepEndpoint(ctx context.Context, pod *v1.Pod, present *unstructured.Unstructured) error {
	agent := c.view.Agent(pod.Spec.NodeName, cluster.CiliumAgent)
	if agent == nil {
		return nil
	}
	parsed, err := configIn(c.view, agent.Namespace)
	if err != nil || parsed == nil {
		return err
	}
	labels := securityLabels(pod, c.view.NamespaceLabels(pod.Namespace), parsed.clusterName)
	number, err := c.identities.of(ctx, labels, parsed.clusterID)
	if err != nil {
		return err
	}
	client := c.resources.client.Resource(EndpointResource).Namespace(pod.Namespace)
	wanted := endpoint(pod, number, labels)
	switch {
	case present == nil:
		_, err = client.Create(ctx, wanted, metav1.CreateOptions{})
	case !isOf(present, pod.UID):
		return c.removeEndpoint(ctx, present) // belongs to an earlier pod of the same name
	case identityOf(present) != number:
		_, err = client.Update(ctx, withPart(present, wanted, "status"), metav1.UpdateOptions{})
	}
	if apierrors.IsAlreadyExists(err) {
		return nil // the cache will show its owner
	}
	return err
}

func (c *Cilium) removeEndpoint(ctx context.Context, present *unstructured.Unstructured) error {
	uid := present.GetUID()
	err := c.resources.client.Resource(EndpointResource).Namespace(present.GetNamespace()).Delete(ctx,
		present.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// isOf tells whether an object belongs to the pod or node with a UID.
func isOf(object *unstructured.Unstructured, owner types.UID) bool {
	owners := object.GetOwnerReferences()
	return len(owners) == 1 && owners[0].UID == owner
}

func identityOf(object *unstructured.Unstructured) int64 {
	number, _, err := unstructured.NestedInt64(object.Object, "status", "identity", "id")
	if err != nil {
		return 0
	}
	return number
}

func endpoint(pod *v1.Pod, identity int64, labels map[string]string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cilium.io/v2",
		"kind":       "CiliumEndpoint",
		"status": map[string]any{
			"id":    identity%4096 + 1,
			"state": "ready",
			"identity": map[string]any{
				"id":     identity,
				"labels": anys(asList(labels)),
			},
			"networking": map[string]any{
				"addressing": []any{map[string]any{"ipv4": pod.Status.PodIP}},
				"node":       pod.Status.HostIP,
			},
			"external-identifiers": map[string]any{
				"container-id":  strings.ReplaceAll(string(pod.UID), "-", ""),
				"k8s-namespace": pod.Namespace,
				"k8s-pod-name":  pod.Name,
				"pod-name":      pod.Namespace + "/" + pod.Name,
			},
		},
	}}
	object.SetNamespace(pod.Namespace)
	object.SetName(pod.Name)
	object.SetLabels(pod.Labels)
	object.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
		BlockOwnerDeletion: ptr.To(true),
	}})
	return object
}
