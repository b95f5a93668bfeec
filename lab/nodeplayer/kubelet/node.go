package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// ReconcileNode reports a node's status when it has changed or was not reported for long.
func (k *Kubelet) ReconcileNode(ctx context.Context, name string) (time.Duration, error) {
	node, ok := k.view.Node(name)
	if !ok || k.view.IsBehind(node) {
		return 0, nil
	}
	if due := node.CreationTimestamp.Add(k.settings.NodeBoot.Duration()); k.isBefore(due) {
		return k.left(due), nil
	}
	wanted := node.DeepCopy()
	k.report(wanted)
	reported := lastReport(node)
	due := reported.Add(k.settings.NodeStatusReport.Duration())
	if equality.Semantic.DeepEqual(node.Status, wanted.Status) && k.isBefore(due) {
		return k.left(due), nil
	}
	k.beat(wanted)
	if err := k.send(ctx, node, wanted); err != nil {
		return 0, err
	}
	if before, after := readiness(node), readiness(wanted); before != after {
		k.view.Log.Info("node", "node", name, "ready", after)
	}
	return k.settings.NodeStatusReport.Duration(), nil
}

// send writes only the difference, as kubelets do: other components own some of the conditions, and must not
// be overwritten.
func (k *Kubelet) send(ctx context.Context, node, wanted *v1.Node) error {
	before, err := json.Marshal(v1.Node{Status: node.Status})
	if err != nil {
		return err
	}
	after, err := json.Marshal(v1.Node{Status: wanted.Status})
	if err != nil {
		return err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, v1.Node{})
	if err != nil {
		return err
	}
	written, err := k.view.Client.CoreV1().Nodes().PatchStatus(ctx, node.Name, patch)
	if err == nil {
		k.view.Wrote(written)
	}
	return err
}

func readiness(node *v1.Node) v1.ConditionStatus {
	if ready := cluster.NodeCondition(node, v1.NodeReady); ready != nil {
		return ready.Status
	}
	return ""
}

func lastReport(node *v1.Node) time.Time {
	if ready := cluster.NodeCondition(node, v1.NodeReady); ready != nil {
		return ready.LastHeartbeatTime.Time
	}
	return time.Time{}
}

// report writes what a kubelet knows into a node's status, without the heartbeat.
func (k *Kubelet) report(node *v1.Node) {
	setDefaults(node, k.version)
	node.Status.VolumesInUse = k.volumes.InUse(node.Name)
	plugin, _ := network.Plugin(node)
	ready := v1.NodeCondition{
		Type: v1.NodeReady, Status: v1.ConditionTrue,
		Reason: "KubeletReady", Message: "kubelet is posting ready status",
	}
	if plugin == "" {
		ready.Status, ready.Reason, ready.Message = v1.ConditionFalse, "KubeletNotReady", network.NotInitialized
	}
	k.setCondition(node, pressure(v1.NodeMemoryPressure, "KubeletHasSufficientMemory", "sufficient memory available"))
	k.setCondition(node, pressure(v1.NodeDiskPressure, "KubeletHasNoDiskPressure", "no disk pressure"))
	k.setCondition(node, pressure(v1.NodePIDPressure, "KubeletHasSufficientPID", "sufficient PID available"))
	k.setCondition(node, ready)
}

func pressure(kind v1.NodeConditionType, reason, what string) v1.NodeCondition {
	return v1.NodeCondition{Type: kind, Status: v1.ConditionFalse, Reason: reason, Message: "kubelet has " + what}
}

func (k *Kubelet) setCondition(node *v1.Node, condition v1.NodeCondition) {
	known := cluster.NodeCondition(node, condition.Type)
	if known == nil {
		condition.LastTransitionTime = metav1.NewTime(k.clock.Now())
		node.Status.Conditions = append(node.Status.Conditions, condition)
		return
	}
	condition.LastHeartbeatTime, condition.LastTransitionTime = known.LastHeartbeatTime, known.LastTransitionTime
	if known.Status != condition.Status {
		condition.LastTransitionTime = metav1.NewTime(k.clock.Now())
	}
	*known = condition
}

// beat sets the time of the report on the conditions that a kubelet owns.
func (k *Kubelet) beat(node *v1.Node) {
	for index := range node.Status.Conditions {
		if condition := &node.Status.Conditions[index]; condition.Type != v1.NodeNetworkUnavailable {
			condition.LastHeartbeatTime = metav1.NewTime(k.clock.Now())
		}
	}
}

// setDefaults fills in what the creator of the Node left out.
func setDefaults(node *v1.Node, version string) {
	if len(node.Status.Addresses) == 0 {
		node.Status.Addresses = []v1.NodeAddress{
			{Type: v1.NodeInternalIP, Address: addressOf(node.Name)},
			{Type: v1.NodeInternalDNS, Address: node.Name},
			{Type: v1.NodeHostName, Address: node.Name},
		}
	}
	if node.Status.Capacity == nil {
		node.Status.Capacity = v1.ResourceList{
			v1.ResourceCPU:    resource.MustParse("2"),
			v1.ResourceMemory: resource.MustParse("8Gi"),
			v1.ResourcePods:   resource.MustParse("29"),
		}
	}
	if node.Status.Allocatable == nil {
		node.Status.Allocatable = node.Status.Capacity.DeepCopy()
	}
	info := &node.Status.NodeInfo
	setDefault(&info.KubeletVersion, version)
	setDefault(&info.OperatingSystem, "linux")
	setDefault(&info.Architecture, "amd64")
	setDefault(&info.OSImage, "Amazon Linux 2023")
	setDefault(&info.KernelVersion, "6.12.0-lab.amzn2023.x86_64")
	setDefault(&info.ContainerRuntimeVersion, "containerd://2.1.5")
	setDefault(&info.MachineID, strings.ReplaceAll(string(node.UID), "-", ""))
	setDefault(&info.SystemUUID, string(node.UID))
	setDefault(&info.BootID, string(node.UID))
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = 10250
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

var privateName = regexp.MustCompile(`^ip-(\d+)-(\d+)-(\d+)-(\d+)(\.|$)`)

// addressOf returns the address in a private DNS name, or one made of a hash of any other name.
func addressOf(name string) string {
	if part := privateName.FindStringSubmatch(name); part != nil {
		return strings.Join(part[1:5], ".")
	}
	hash := fnv.New32a()
	hash.Write([]byte(name))
	sum := hash.Sum32()
	return fmt.Sprintf("10.254.%d.%d", byte(sum>>8), byte(sum))
}

// internalIP returns the address of pods in the host's network.
func internalIP(node *v1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == v1.NodeInternalIP {
			return address.Address
		}
	}
	return addressOf(node.Name)
}
