package cluster

// Annotations by which tests and the cloud control the player.
const (
	// PoweredOff on a Node means that its instance has ended: no kubelet or agent works there.
	PoweredOff = "lab.eks-cilium.io/powered-off"
	// Dead on a Node means that it hangs: its instance runs, but its kubelet renews no lease and posts no status,
	// so that deleted pods stay Terminating. Its agents hang with it. Without the annotation, it works again.
	Dead = "lab.eks-cilium.io/dead"
	// Ready set to "false" on a Pod keeps it unready.
	Ready = "lab.eks-cilium.io/ready"
	// Fail on a Pod names the reason why its containers do not run.
	Fail = "lab.eks-cilium.io/fail"
	// FailMessage is the message of Fail.
	FailMessage = "lab.eks-cilium.io/fail-message"
	// RunsFor is how many seconds a pod runs before it completes, or "forever".
	RunsFor = "lab.eks-cilium.io/runs-for-seconds"
	// ExitCode is the exit code of a pod's containers when it completes.
	ExitCode = "lab.eks-cilium.io/exit-code"
	// TerminationSeconds is how long a pod's containers take to exit after SIGTERM.
	TerminationSeconds = "lab.eks-cilium.io/termination-seconds"
)

// Annotations in which the player keeps what a real node keeps on its disk, so that a killed player continues
// where it was.
const (
	// Plugin is the CNI whose configuration is in /etc/cni/net.d.
	Plugin = "lab.eks-cilium.io/cni"
	// PluginSince is when that configuration was written.
	PluginSince = "lab.eks-cilium.io/cni-since"
	// Uninstall is whether Cilium's agent removes its configuration at its end.
	Uninstall = "lab.eks-cilium.io/cni-uninstall"
	// Interfaces are the network interfaces that CNIs have attached.
	Interfaces = "lab.eks-cilium.io/interfaces"
	// PodNetwork is the node's part of the pool, where pods have addresses of an overlay.
	PodNetwork = "lab.eks-cilium.io/pod-network"
)

// ProviderPrefix begins the provider id of every emulated node.
const ProviderPrefix = "aws:///"

// CiliumConfig is the ConfigMap into which the chart renders all of Cilium's configuration.
const CiliumConfig = "cilium-config"
