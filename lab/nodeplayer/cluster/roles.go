package cluster

import v1 "k8s.io/api/core/v1"

// Role is the kind of software in a pod, as far as the player distinguishes it.
type Role int

// The roles that affect more than the pod itself.
const (
	Ordinary Role = iota
	AWSNode
	CiliumAgent
	CiliumOperator
)

// RoleOf goes by the labels that the charts and the add-on have in all their versions.
func RoleOf(pod *v1.Pod) Role {
	switch {
	case pod.Labels["k8s-app"] == "aws-node":
		return AWSNode
	case pod.Labels["k8s-app"] == "cilium":
		return CiliumAgent
	case pod.Labels["io.cilium/app"] == "operator", pod.Labels["name"] == "cilium-operator":
		return CiliumOperator
	default:
		return Ordinary
	}
}

func (r Role) String() string {
	return [...]string{Ordinary: "ordinary", AWSNode: "aws-node", CiliumAgent: "cilium", CiliumOperator: "cilium-operator"}[r]
}

// IsAgent tells whether a role is that of a CNI's agent.
func (r Role) IsAgent() bool { return r == AWSNode || r == CiliumAgent }

// IsReady tells whether a pod's Ready condition is true.
func IsReady(pod *v1.Pod) bool { return HasCondition(pod, v1.PodReady) }

// HasCondition tells whether a condition of a pod is true.
func HasCondition(pod *v1.Pod, kind v1.PodConditionType) bool {
	condition := Condition(pod, kind)
	return condition != nil && condition.Status == v1.ConditionTrue
}

// Condition returns one condition of a pod, or nil.
func Condition(pod *v1.Pod, kind v1.PodConditionType) *v1.PodCondition {
	for index := range pod.Status.Conditions {
		if pod.Status.Conditions[index].Type == kind {
			return &pod.Status.Conditions[index]
		}
	}
	return nil
}

// NodeCondition returns one condition of a node, or nil.
func NodeCondition(node *v1.Node, kind v1.NodeConditionType) *v1.NodeCondition {
	for index := range node.Status.Conditions {
		if node.Status.Conditions[index].Type == kind {
			return &node.Status.Conditions[index]
		}
	}
	return nil
}

// IsRunning tells whether all containers of a pod run, ready or not.
func IsRunning(pod *v1.Pod) bool {
	if pod.Status.Phase != v1.PodRunning || pod.DeletionTimestamp != nil {
		return false
	}
	for index := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[index].State.Running == nil {
			return false
		}
	}
	return true
}

// IsFinished tells whether a pod has reached its last phase.
func IsFinished(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}
