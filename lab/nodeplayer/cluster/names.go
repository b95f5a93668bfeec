package cluster

// Annotations by which tests and the cloud steer the player.
const (
	// PoweredOff on a Node means its instance is gone: nobody reports or does anything there.
	PoweredOff = "lab.eks-cilium.io/powered-off"
	// Ready set to "false" on a Pod holds its readiness back.
	Ready = "lab.eks-cilium.io/ready"
	// Fail on a Pod names the reason why its containers do not run.
	Fail = "lab.eks-cilium.io/fail"
	// FailMessage says more about Fail.
	FailMessage = "lab.eks-cilium.io/fail-message"
	// RunsFor is how many seconds a pod runs that is meant to complete, or "forever".
	RunsFor = "lab.eks-cilium.io/runs-for-seconds"
	// ExitCode is what the containers of a pod that completes exit with.
	ExitCode = "lab.eks-cilium.io/exit-code"
	// TerminationSeconds is how long a pod's containers take to exit after SIGTERM.
	TerminationSeconds = "lab.eks-cilium.io/termination-seconds"
)

// Annotations in which the player keeps what on a real node lies on its disk. They are why a player
// that was killed goes on as if nothing had been.
const (
	// Plugin is the CNI whose configuration lies in /etc/cni/net.d.
	Plugin = "lab.eks-cilium.io/cni"
	// PluginSince is when that configuration was written.
	PluginSince = "lab.eks-cilium.io/cni-since"
	// Uninstall is whether the agent of Cilium takes its configuration away in its end.
	Uninstall = "lab.eks-cilium.io/cni-uninstall"
	// Interfaces are the network interfaces that CNIs have had attached.
	Interfaces = "lab.eks-cilium.io/interfaces"
)

// ProviderPrefix begins the provider id of every node that is played.
const ProviderPrefix = "aws:///"

// CiliumConfig is the ConfigMap that the chart renders all of Cilium's configuration into.
const CiliumConfig = "cilium-config"
