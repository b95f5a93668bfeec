// Package kubelet emulates the kubelets of all nodes: leases and conditions of the nodes, and the lifecycle
// of the pods bound to them. Each of its three reconcilers reads the current state of one object and writes
// what a kubelet would write next; none depends on having seen earlier changes.
package kubelet

import (
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/settings"
)

// Pods gives pods their addresses and tells which CNI a node has.
type Pods interface {
	// Address returns the address of a pod, or a *network.SandboxError when it has to wait for one.
	Address(pod *v1.Pod, node *v1.Node) (string, error)
	// Release returns the address of a pod to the pool.
	Release(node string, uid types.UID)
}

// Volumes knows what is attached to the instances.
type Volumes interface {
	// Mounted tells whether everything that a pod mounts is available on its node.
	Mounted(pod *v1.Pod, node string) bool
	// InUse returns the volumes that a node's kubelet uses.
	InUse(node string) []v1.UniqueVolumeName
}

// Gate returns why the software in a running pod is not ready yet; "" when it is.
type Gate func(pod *v1.Pod, node *v1.Node) string

// Kubelet emulates all kubelets of a cluster.
type Kubelet struct {
	view     *cluster.View
	network  Pods
	volumes  Volumes
	gates    map[cluster.Role]Gate
	settings *settings.Settings
	clock    clock.PassiveClock
	watch    *stopwatch
	leases   *leases
	version  string
	began    time.Time
}

// New returns the kubelets of a cluster of one Kubernetes version.
func New(view *cluster.View, network Pods, volumes Volumes, gates map[cluster.Role]Gate,
	config *settings.Settings, now clock.PassiveClock, version string,
) *Kubelet {
	return &Kubelet{
		view: view, network: network, volumes: volumes, gates: gates, settings: config, clock: now, version: version,
		watch: newStopwatch(now), leases: newLeases(), began: now.Now(),
	}
}

// left returns the time until a moment, at least a little, so that it is never taken for "no time".
func (k *Kubelet) left(due time.Time) time.Duration {
	return max(due.Sub(k.clock.Now()), time.Millisecond)
}

func (k *Kubelet) isBefore(due time.Time) bool { return k.clock.Now().Before(due) }
