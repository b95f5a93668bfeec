package cilium

import (
	"context"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/network"
)

// keepCiliumNode creates or updates the CiliumNode of a node: the agent's part (its identity) and the
// operator's (interfaces and their address pool, or the node's part of the cluster's pool).
func (c *Cilium) keepCiliumNode(ctx context.Context, node *v1.Node, wanted *unstructured.Unstructured) error {
	var err error
	client := c.resources.client.Resource(NodeResource)
	present := c.resources.Get(NodeResource, node.Name)
	if present != nil && !isOf(present, node.UID) {
		return client.Delete(ctx, node.Name, metav1.DeleteOptions{}) // belongs to an earlier node of the same name
	}
	if present == nil {
		present, err = client.Create(ctx, wanted, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil // the cache will show it
		}
		c.view.Log.Info("CiliumNode created", "node", node.Name)
	} else if !equality.Semantic.DeepEqual(present.Object["spec"], wanted.Object["spec"]) {
		present = withPart(present, wanted, "spec")
		present, err = client.Update(ctx, present, metav1.UpdateOptions{})
	}
	if err != nil || equality.Semantic.DeepEqual(present.Object["status"], wanted.Object["status"]) {
		return err
	}
	_, err = client.UpdateStatus(ctx, withPart(present, wanted, "status"), metav1.UpdateOptions{})
	return err
}

func withPart(present, wanted *unstructured.Unstructured, part string) *unstructured.Unstructured {
	changed := present.DeepCopy()
	changed.Object[part] = wanted.Object[part]
	return changed
}

func ciliumNode(node *v1.Node, owned []cloud.Interface, where cloud.Placement) *unstructured.Unstructured {
	pool, enis := map[string]any{}, map[string]any{}
	for index := range owned {
		for _, address := range owned[index].ForPods() {
			pool[address] = map[string]any{"resource": owned[index].ID}
		}
		enis[owned[index].ID] = eni(&owned[index], node.Labels[v1.LabelTopologyZone])
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "cilium.io/v2",
		"kind":       "CiliumNode",
		"spec": map[string]any{
			"addresses":   addresses(node),
			"bootid":      node.Status.NodeInfo.BootID,
			"eni":         eniSpec(node, owned, where),
			"health":      map[string]any{},
			"ingress":     map[string]any{},
			"instance-id": network.InstanceOf(node),
			"ipam":        map[string]any{"pool": pool},
		},
		"status": map[string]any{
			"eni":  map[string]any{"enis": enis},
			"ipam": map[string]any{"operator-status": map[string]any{}},
		},
	}}
	object.SetName(node.Name)
	object.SetLabels(node.Labels)
	object.SetOwnerReferences([]metav1.OwnerReference{ownedBy(node)})
	return object
}

// overlayNode is the CiliumNode of a node whose pods have addresses of an overlay: without interfaces. `full` is
// the operator's error where no part was left.
func overlayNode(node *v1.Node, part string, full error) *unstructured.Unstructured {
	object := ciliumNode(node, nil, cloud.Placement{})
	spec, status := object.Object["spec"].(map[string]any), map[string]any{}
	delete(spec, "eni")
	spec["ipam"] = map[string]any{}
	if full != nil {
		status["error"] = full.Error()
	} else {
		spec["ipam"] = map[string]any{"podCIDRs": []any{part}}
		router, health := network.OfTheAgent(part)
		spec["addresses"] = append(addresses(node), map[string]any{"ip": router, "type": "CiliumInternalIP"})
		spec["health"] = map[string]any{"ipv4": health}
	}
	object.Object["status"] = map[string]any{"ipam": map[string]any{"operator-status": status}}
	return object
}

func addresses(node *v1.Node) []any {
	list := []any{}
	for _, address := range node.Status.Addresses {
		if strings.HasSuffix(string(address.Type), "IP") {
			list = append(list, map[string]any{"ip": address.Address, "type": string(address.Type)})
		}
	}
	return list
}

func eniSpec(node *v1.Node, owned []cloud.Interface, where cloud.Placement) map[string]any {
	spec := map[string]any{
		"availability-zone":     node.Labels[v1.LabelTopologyZone],
		"instance-type":         node.Labels[v1.LabelInstanceTypeStable],
		"first-interface-index": int64(where.FirstIndex),
	}
	if len(where.Subnets) > 0 {
		spec["subnet-ids"] = anys(where.Subnets)
	}
	if len(owned) > 0 {
		spec["node-subnet-id"] = owned[0].SubnetID
	}
	return spec
}

func eni(one *cloud.Interface, zone string) map[string]any {
	return map[string]any{
		"id":                one.ID,
		"ip":                one.PrimaryIP,
		"mac":               one.MAC,
		"number":            int64(one.Number),
		"availability-zone": zone,
		"addresses":         anys(one.ForPods()),
		"security-groups":   anys(one.SecurityGroups),
		"subnet":            map[string]any{"id": one.SubnetID, "cidr": one.SubnetCIDR},
	}
}

func anys(texts []string) []any {
	list := make([]any, 0, len(texts))
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}
