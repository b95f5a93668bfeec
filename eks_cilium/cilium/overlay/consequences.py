"""What an overlay takes away, in words for the preview of a new cluster (`stacks/cilium_overlay.py`).

The EKS control plane is in the VPC but on none of the cluster's nodes, so it is at no end of a tunnel: see
cilium/cilium#21959 and the page "Integration with Istio" of Cilium's documentation, which has istiod on the
host network for the same reason. Load balancers of AWS are in the VPC as well.
"""

from __future__ import annotations

LOST = (
    "the EKS control plane reaches no pod: admission webhooks and aggregated APIs (metrics-server, "
    "cert-manager, KEDA, the AWS Load Balancer Controller ...) time out unless their pods have "
    "hostNetwork: true",
    "load balancers reach no pod: target type ip does not work, neither on Services nor on Ingresses; use "
    "target type instance, which goes through the nodes",
    "nothing outside the cluster reaches a pod by its address, and sees the node's address of what pods "
    "send: security groups for pods and rules by a pod's address do not apply",
    "kubectl proxy, and kubectl get --raw with /proxy, do not reach pods; logs, exec and port-forward do, "
    "through the kubelets",
)
"""One phrase each."""
