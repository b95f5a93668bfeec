"""What an overlay takes away, in words for the preview of a new cluster (`stacks/cilium_overlay.py`).

The EKS control plane is in the VPC but on none of the cluster's nodes, so it is at no end of a tunnel: see
cilium/cilium#21959, and the page "Integration with Istio" of Cilium's documentation, which has istiod on the
host network for that reason. EKS answers "Address is not allowed" (emqx/emqx-operator#899). Load balancers of
AWS are in the VPC as well.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOST = (
    "the EKS control plane reaches no pod: admission webhooks and aggregated APIs (metrics-server, "
    "cert-manager, KEDA, the AWS Load Balancer Controller ...) fail unless their pods have "
    "hostNetwork: true",
    "load balancers reach no pod: target type ip does not work, neither on Services nor on Ingresses; use "
    "target type instance, which goes through the nodes",
    "nothing outside the cluster reaches a pod by its address, and sees the node's address of what pods "
    "send: security groups for pods and rules by a pod's address do not apply",
    "kubectl proxy, and kubectl get --raw with /proxy, do not reach pods; logs, exec and port-forward do, "
    "through the kubelets",
)
"""One phrase each."""

# Templates `apiservice.yaml` of metrics-server's chart, `webhook-*.yaml` of cert-manager's, and
# `admission-webhooks` of the charts of the OpenTelemetry and CloudWatch operators.
_SERVED: Mapping[str, str] = MappingProxyType(
    {
        "adot": "admission webhooks",
        "amazon-cloudwatch-observability": "admission webhooks",
        "cert-manager": "admission webhooks",
        "metrics-server": "an aggregated API",
    }
)
"""Add-ons of EKS whose pods the control plane calls, and what they serve to it."""


def unreachable(add_ons: Iterable[str]) -> Iterator[str]:
    """A sentence for each of these add-ons whose pods the control plane has to reach."""
    for name in add_ons:
        if name in _SERVED:
            yield (
                f"the add-on {name} serves {_SERVED[name]}, and the control plane reaches no pod of an "
                "overlay: give its pods the host network by configurationValues where its schema has it, or "
                "install it by its chart"
            )
