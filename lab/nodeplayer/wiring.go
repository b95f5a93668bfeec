package main

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cilium"
	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/volumes"
)

// operators is the single key of the loop of all operators.
const operators = "all"

// wire decides what is reconciled when something changes. An unnecessary reconciliation costs a moment; what
// is missing here is found later, when the caches repeat their objects.
func (p *player) wire() {
	p.view.OnNode(p.nodeChanged)
	p.view.OnPod(p.podChanged)
	p.view.OnConfigMap(p.configMapChanged)
	p.view.OnSecret(p.secretChanged)
	p.resources.OnChange = p.resourceChanged
	p.volumes.OnClaim = p.claimChanged
	p.volumes.OnNode = p.reconcilePodsOn
}

func (p *player) nodeChanged(before, after *v1.Node) {
	p.nodes.Add(after.Name)
	p.leases.Add(after.Name)
	p.agents.Add(after.Name)
	p.volumes.NodeChanged(after.Name)
	p.beyond.reconcile()
	if _, ok := p.view.Node(after.Name); !ok {
		p.view.Forget(after.UID)
	}
	if before == nil || hasChanged(before, after, cluster.Plugin, cluster.Interfaces, cluster.PoweredOff, cluster.Dead) {
		p.reconcilePodsOn(after.Name)
	}
}

func hasChanged(before, after *v1.Node, annotations ...string) bool {
	for _, name := range annotations {
		if before.Annotations[name] != after.Annotations[name] {
			return true
		}
	}
	return false
}

func (p *player) podChanged(before, after *v1.Pod) {
	key := after.Namespace + "/" + after.Name
	p.pods.Add(key)
	p.endpoints.Add(key)
	p.volumes.PodChanged(after)
	p.beyond.reconcile()
	if len(volumes.ClaimsOf(after)) > 0 {
		p.nodes.Add(after.Spec.NodeName) // a node's status contains which volumes are in use
	}
	present, ok := p.view.Pod(key)
	isGone := !ok || present.UID != after.UID
	if isGone {
		p.kubelet.Forget(after)
	}
	if !isGone && before != nil && before.ResourceVersion == after.ResourceVersion {
		return // repeated unchanged, like everything that could depend on it
	}
	switch role := cluster.RoleOf(after); {
	case role == cluster.CiliumOperator:
		p.operators.Add(operators)
		p.reconcileAgentsOnAllNodes()
	case role.IsAgent():
		p.agents.Add(after.Spec.NodeName)
		p.reconcilePodsOn(after.Spec.NodeName)
	case before == nil, isGone:
		p.agents.Add(after.Spec.NodeName) // addresses may be short, or free again
		p.reconcilePodsOn(after.Spec.NodeName)
	}
}

func (p *player) configMapChanged(_, after *v1.ConfigMap) {
	p.reconcileWaitingPods(after.Namespace)
	if after.Name == cluster.CiliumConfig {
		p.operators.Add(operators)
		p.reconcileAgentsOnAllNodes()
	}
}

func (p *player) secretChanged(_, after *v1.Secret) { p.reconcileWaitingPods(after.Namespace) }

// reconcileWaitingPods reconciles the pods that may have waited for an object of their namespace.
func (p *player) reconcileWaitingPods(namespace string) {
	for _, pod := range p.view.PodsIn(namespace) {
		if !cluster.IsRunning(pod) {
			p.reconcilePod(pod)
		}
	}
}

// claimChanged reconciles the pods that mount a claim, and the status of their nodes.
func (p *player) claimChanged(namespace, claim string) {
	for _, pod := range p.view.PodsIn(namespace) {
		if slices.Contains(volumes.ClaimsOf(pod), claim) {
			p.reconcilePod(pod)
			p.nodes.Add(pod.Spec.NodeName)
		}
	}
}

func (p *player) resourceChanged(resource, key string) {
	switch resource {
	case cilium.DefinitionResource.Resource:
		p.operators.Add(operators)
		for _, pod := range p.view.Pods(cluster.CiliumOperator) {
			p.reconcilePod(pod)
		}
	case cilium.NodeResource.Resource:
		p.agents.Add(key)
		p.reconcilePodsOn(key)
	case cilium.EndpointResource.Resource:
		p.endpoints.Add(key)
	}
	if key == "" {
		p.reconcileAgentsOnAllNodes()
		for _, node := range p.view.Nodes() {
			p.reconcilePodsOn(node.Name)
		}
	}
}

func (p *player) reconcilePod(pod *v1.Pod) {
	p.pods.Add(pod.Namespace + "/" + pod.Name)
	p.endpoints.Add(pod.Namespace + "/" + pod.Name)
}

func (p *player) reconcilePodsOn(node string) {
	for _, pod := range p.view.PodsOn(node) {
		p.reconcilePod(pod)
	}
}

func (p *player) reconcileAgentsOnAllNodes() {
	for _, node := range p.view.Nodes() {
		p.agents.Add(node.Name)
	}
}
