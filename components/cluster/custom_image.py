"""User data for nodes with an image of their own: all that a node needs to join; used by `NodeGroup`.

EKS adds nothing to the user data of a launch template that names an image, neither the cluster nor labels and
taints (docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, "Specifying an AMI"). The image has to
be made from one of EKS's: AL2023 with nodeadm, or Bottlerocket.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import dataclass
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from typing import TYPE_CHECKING, Any

from components.cluster.user_data import BOUNDARY, LEAVE_INTERFACES_ALONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.masquerade import ImageFamily

_DNS = 10
"""CoreDNS has the tenth address of the network of Services."""


@dataclass(frozen=True, kw_only=True)
class Joining:
    """What a node needs to know to join its cluster."""

    cluster: str
    """Name of the cluster."""
    endpoint: str
    """URL of the API server."""
    certificate_authority: str
    """Base64, as EKS returns it."""
    service_cidr: str
    """Network of Service addresses."""
    labels: Mapping[str, str]
    """Labels that kubelet registers."""
    taints: Sequence[tuple[str, str, str]]
    """Key, value and effect, as Kubernetes spells it, of the taints that kubelet registers."""
    max_pods: int | None = None
    """Most pods of the node; what the image computes where None."""


def custom_image_user_data(family: ImageFamily, joining: Joining, *, cilium_makes_interfaces: bool) -> str:
    """Base64 of the user data; the same for the same arguments, since a change replaces nodes."""
    if family == "bottlerocket":
        return base64.b64encode(_settings(joining).encode()).decode()
    document = MIMEMultipart("mixed", boundary=BOUNDARY)
    if cilium_makes_interfaces:
        document.attach(MIMEText(LEAVE_INTERFACES_ALONE, "cloud-boothook", "us-ascii"))
    part = MIMENonMultipart("application", "node.eks.aws")
    part.set_payload(json.dumps(_node_config(joining), indent=2))
    document.attach(part)
    return base64.b64encode(document.as_bytes()).decode()


def _node_config(joining: Joining) -> dict[str, Any]:
    """A NodeConfig as JSON, which is YAML as well (awslabs.github.io/amazon-eks-ami/nodeadm)."""
    taints = ",".join(f"{key}={value}:{effect}" for key, value, effect in joining.taints)
    labels = ",".join(f"{key}={value}" for key, value in sorted(joining.labels.items()))
    limit = {} if joining.max_pods is None else {"config": {"maxPods": joining.max_pods}}
    flags = [f"--register-with-taints={taints}", *([f"--node-labels={labels}"] if labels else [])]
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "cluster": {
                "name": joining.cluster,
                "apiServerEndpoint": joining.endpoint,
                "certificateAuthority": joining.certificate_authority,
                "cidr": joining.service_cidr,
            },
            "kubelet": {**limit, "flags": flags},
        },
    }


def _settings(joining: Joining) -> str:
    """Bottlerocket's settings (bottlerocket.dev/en/os/latest/api/settings/kubernetes), as TOML."""
    values: dict[str, str | int] = {
        "api-server": joining.endpoint,
        "cluster-certificate": joining.certificate_authority,
        "cluster-name": joining.cluster,
        "cluster-dns-ip": str(ipaddress.IPv4Network(joining.service_cidr)[_DNS]),
        **({} if joining.max_pods is None else {"max-pods": joining.max_pods}),
    }
    lines = ["[settings.kubernetes]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    if joining.labels:
        lines += ["[settings.kubernetes.node-labels]"]
        lines += [f"{json.dumps(key)} = {json.dumps(text)}" for key, text in sorted(joining.labels.items())]
    of_key: dict[str, list[str]] = {}
    for key, value, effect in joining.taints:
        of_key.setdefault(key, []).append(f"{value}:{effect}")
    lines += ["[settings.kubernetes.node-taints]"]
    lines += [f"{json.dumps(key)} = {json.dumps(found)}" for key, found in of_key.items()]
    return "\n".join(lines) + "\n"
