package network

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"eks-cilium/lab/nodeplayer/cloud"
	"eks-cilium/lab/nodeplayer/cluster"
)

// NotInitialized is a container runtime's message while no CNI is configured.
const NotInitialized = "container runtime network not ready: NetworkReady=false " +
	"reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"

// SandboxError is why a pod gets no network now, in a kubelet's words.
type SandboxError struct{ Reason, Message string }

func (e *SandboxError) Error() string { return e.Reason + ": " + e.Message }

// InstanceOf returns the instance id in a node's provider id.
func InstanceOf(node *v1.Node) string {
	return node.Spec.ProviderID[strings.LastIndex(node.Spec.ProviderID, "/")+1:]
}

// Address gives a pod an address of its node's CNI, the same one for each call. The error is a *SandboxError
// when the pod has to wait.
func (n *Network) Address(pod *v1.Pod, node *v1.Node) (string, error) {
	plugin, _ := Plugin(node)
	if plugin == "" {
		return "", &SandboxError{Reason: "NetworkNotReady", Message: "network is not ready: " + NotInitialized}
	}
	owned, err := n.source(node, plugin)
	if err != nil {
		return "", err
	}
	if refusal := n.refusal(node, plugin, owned); refusal != "" {
		return "", sandboxFailed(pod, refusal)
	}
	free := pool(owned)
	if part := node.Annotations[cluster.PodNetwork]; part != "" && plugin == Cilium {
		free = inPart(part)
	}
	address := n.leases.take(node.Name, pod.UID, free, addressesOn(n.view.PodsOn(node.Name)))
	if address == "" {
		return "", sandboxFailed(pod, exhausted[plugin])
	}
	return address, nil
}

// Release forgets the address of a deleted pod.
func (n *Network) Release(node string, uid types.UID) { n.leases.release(node, uid) }

// source returns the interfaces from which a CNI takes addresses: its own, and for Cilium chained to the VPC
// CNI those of the latter.
func (n *Network) source(node *v1.Node, plugin string) ([]cloud.Interface, error) {
	owned, err := n.Owned(node, plugin)
	if err != nil || len(owned) > 0 {
		return owned, err
	}
	return n.Owned(node, VPCCNI)
}

const noCilium = `plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create ` +
	`cilium agent client after 30.000000 seconds timeout: dial unix /var/run/cilium/cilium.sock: connect: no such file or directory`

const noVPCCNI = `plugin type="aws-cni" name="aws-cni" failed (add): add cmd: Error received from AddNetwork gRPC call: ` +
	`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused"`

var exhausted = map[string]string{
	Cilium: `plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "No more IPs available"`,
	VPCCNI: `plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`,
}

// refusal returns the error of the CNI's plugin when an agent that it needs does not run.
func (n *Network) refusal(node *v1.Node, plugin string, owned []cloud.Interface) string {
	if plugin == Cilium && n.view.Agent(node.Name, cluster.CiliumAgent) == nil {
		return noCilium
	}
	if len(owned) > 0 && owned[0].Owner == VPCCNI && n.view.Agent(node.Name, cluster.AWSNode) == nil {
		return noVPCCNI
	}
	return ""
}

func sandboxFailed(pod *v1.Pod, why string) *SandboxError {
	return &SandboxError{Reason: "FailedCreatePodSandBox", Message: fmt.Sprintf(
		"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox %q: %s",
		pod.UID, why)}
}

// leases are addresses given to pods whose status may not show them yet.
type leases struct {
	mutex sync.Mutex
	held  map[string]map[types.UID]string
}

// take picks the first address of the pool that no pod has, or the one that this pod has already.
func (l *leases) take(node string, uid types.UID, pool []string, shown map[string]bool) string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	held := l.held[node]
	if held == nil {
		held = map[types.UID]string{}
		l.held[node] = held
	}
	if held[uid] != "" {
		return held[uid]
	}
	taken := map[string]bool{}
	for _, address := range held {
		taken[address] = true
	}
	for _, address := range pool {
		if !taken[address] && !shown[address] {
			held[uid] = address
			return address
		}
	}
	return ""
}

func (l *leases) release(node string, uid types.UID) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.held[node], uid)
	if len(l.held[node]) == 0 {
		delete(l.held, node)
	}
}

// pool returns all addresses for pods on interfaces, in the order of their attachment.
func pool(interfaces []cloud.Interface) []string {
	var addresses []string
	for index := range interfaces {
		addresses = append(addresses, interfaces[index].ForPods()...)
	}
	return addresses
}

// addressesOn returns the addresses that pods show in their status.
func addressesOn(pods []*v1.Pod) map[string]bool {
	shown := map[string]bool{}
	for _, pod := range pods {
		if pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !cluster.IsFinished(pod) {
			shown[pod.Status.PodIP] = true
		}
	}
	return shown
}

// demand returns how many addresses the pods of a node need.
func demand(pods []*v1.Pod) int {
	return len(slices.DeleteFunc(slices.Clone(pods), func(pod *v1.Pod) bool {
		return pod.Spec.HostNetwork || cluster.IsFinished(pod)
	}))
}
