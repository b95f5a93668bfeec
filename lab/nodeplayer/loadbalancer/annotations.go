package loadbalancer

import (
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// controller is the controller of a Service, by the name under which it writes events.
type controller string

// The controllers. inTree is part of every EKS cluster, external is the AWS Load Balancer Controller.
const (
	noController controller = ""
	inTree       controller = "service-controller"
	external     controller = "aws-load-balancer-controller"
)

const (
	prefix = "service.beta.kubernetes.io/"
	// class is the load balancer class of the AWS Load Balancer Controller.
	class = "service.k8s.aws/nlb"
)

func (c controller) finalizer() string {
	if c == external {
		return "service.k8s.aws/resources"
	}
	return "service.kubernetes.io/load-balancer-cleanup"
}

func finalizerOf(service *v1.Service) string {
	for _, owner := range []controller{inTree, external} {
		if slices.Contains(service.Finalizers, owner.finalizer()) {
			return owner.finalizer()
		}
	}
	return ""
}

// ownerOf decides between the two. The external controller handles Services that name it, and all new
// Services once it is installed, because its webhook gives every new Service its class.
func ownerOf(service *v1.Service, isInstalled bool) controller {
	kind := service.Annotations[prefix+"aws-load-balancer-type"]
	switch present := finalizerOf(service); {
	case present == external.finalizer():
		return external
	case present != "":
		return inTree
	case service.Spec.LoadBalancerClass != nil && *service.Spec.LoadBalancerClass != class:
		return noController
	case service.Spec.LoadBalancerClass != nil, kind == "external", kind == "nlb-ip", isInstalled:
		return external
	}
	return inTree
}

// port is a port of a Service as it is sent to the cloud.
type port struct {
	Port       int32 `json:"port"`
	NodePort   int32 `json:"nodePort"`
	TargetPort int32 `json:"targetPort"`
}

// request is what is sent to the cloud.
type request struct {
	Cluster    string   `json:"cluster"`
	Namespace  string   `json:"namespace"`
	Name       string   `json:"name"`
	UID        string   `json:"uid"`
	Controller string   `json:"controller"`
	Network    bool     `json:"network"`
	Internal   bool     `json:"internal"`
	ByAddress  bool     `json:"byAddress"`
	Ports      []port   `json:"ports"`
	Sources    []string `json:"sources"`
	Affinity   string   `json:"affinity"`
	Subnets    []string `json:"subnets"`
	Instances  []string `json:"instances"`
	Addresses  []string `json:"addresses"`
}

func (b *Balancers) request(service *v1.Service, owner controller) request {
	behind := b.behind(service)
	wanted := request{
		Cluster: b.cluster, Namespace: service.Namespace, Name: service.Name, UID: string(service.UID),
		Controller: string(owner), Ports: ports(service, behind), Sources: sources(service),
		Affinity: string(service.Spec.SessionAffinity), Subnets: subnets(service),
		Instances: []string{}, Addresses: []string{},
	}
	wanted.Network, wanted.Internal, wanted.ByAddress = meaning(service.Annotations, owner)
	for _, pod := range behind {
		if wanted.ByAddress && cluster.IsReady(pod) && pod.Status.PodIP != "" {
			wanted.Addresses = append(wanted.Addresses, pod.Status.PodIP)
		}
	}
	for _, node := range b.view.Nodes() {
		ready := cluster.NodeCondition(node, v1.NodeReady)
		_, excluded := node.Labels[v1.LabelNodeExcludeBalancers]
		if !wanted.ByAddress && !excluded && ready != nil && ready.Status == v1.ConditionTrue {
			wanted.Instances = append(wanted.Instances, network.InstanceOf(node))
		}
	}
	slices.Sort(wanted.Instances)
	slices.Sort(wanted.Addresses)
	return wanted
}

// meaning returns what a controller understands of annotations. Each has its own: the in-tree one does not
// know `-scheme`, and creates an internet-facing Classic Load Balancer for everything that it does not
// understand.
func meaning(annotations map[string]string, owner controller) (isNetwork, isInternal, byAddress bool) {
	old := annotations[prefix+"aws-load-balancer-internal"]
	kind := annotations[prefix+"aws-load-balancer-type"]
	if owner == inTree {
		return kind == "nlb", old != "" && old != "false", false
	}
	scheme := annotations[prefix+"aws-load-balancer-scheme"]
	byAddress = kind == "nlb-ip" || annotations[prefix+"aws-load-balancer-nlb-target-type"] == "ip"
	return true, scheme == "internal" || (scheme == "" && old != "false"), byAddress
}

// sources returns the ranges that clients may come from.
func sources(service *v1.Service) []string {
	if len(service.Spec.LoadBalancerSourceRanges) > 0 {
		return service.Spec.LoadBalancerSourceRanges
	}
	ranges := list(service.Annotations[v1.AnnotationLoadBalancerSourceRangesKey])
	if len(ranges) == 0 {
		return []string{"0.0.0.0/0"}
	}
	return ranges
}

// subnets returns the subnets that a Service names, which both controllers read; none lets them choose.
func subnets(service *v1.Service) []string {
	return list(service.Annotations[prefix+"aws-load-balancer-subnets"])
}

// list splits the value of an annotation at its commas.
func list(text string) []string {
	parts := []string{}
	for _, one := range strings.Split(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			parts = append(parts, one)
		}
	}
	return parts
}

// behind returns the pods of a Service.
func (b *Balancers) behind(service *v1.Service) []*v1.Pod {
	if len(service.Spec.Selector) == 0 {
		return nil
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	return slices.DeleteFunc(b.view.PodsIn(service.Namespace), func(pod *v1.Pod) bool {
		return !selector.Matches(labels.Set(pod.Labels)) || pod.DeletionTimestamp != nil
	})
}

func ports(service *v1.Service, behind []*v1.Pod) []port {
	list := make([]port, 0, len(service.Spec.Ports))
	for index := range service.Spec.Ports {
		one := &service.Spec.Ports[index]
		list = append(list, port{Port: one.Port, NodePort: one.NodePort, TargetPort: target(one, behind)})
	}
	return list
}

// target returns the number of a port in the pods; a Service may refer to it by name.
func target(wanted *v1.ServicePort, behind []*v1.Pod) int32 {
	if wanted.TargetPort.IntVal != 0 {
		return wanted.TargetPort.IntVal
	}
	for _, pod := range behind {
		for index := range pod.Spec.Containers {
			for _, known := range pod.Spec.Containers[index].Ports {
				if known.Name == wanted.TargetPort.StrVal {
					return known.ContainerPort
				}
			}
		}
	}
	return wanted.Port
}
