"""User data for nodes: their network interfaces, and how many pods they take; used by `NodeGroup`.

Cilium sets the addresses and routes of every interface but the first. On Amazon Linux 2023 systemd-networkd
would configure them as well, by DHCP, and drop Cilium's addresses when the carrier is lost for a moment: see
"Node Configuration" on the page "AWS ENI" of Cilium's documentation, and cilium/cilium#24397. Managed node
groups merge this document with their own.
"""

from __future__ import annotations

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.mime.base import MIMEBase

    from eks_cilium.cilium.masquerade import ImageFamily

BOUNDARY = "==eks-cilium=="

# A boot hook runs before kubelet, so before there is a second interface. The first interface is ens5 on most
# instance types, but not on all, so it is found by the default route; all others become unmanaged.
LEAVE_INTERFACES_ALONE = """\
#!/bin/bash
set -euo pipefail
primary="$(ip -o -4 route show default | awk '{print $5; exit}')"
mkdir -p /etc/systemd/network
cat >/etc/systemd/network/05-cilium-interfaces.network <<EOF
[Match]
Driver=ena ixgbevf vif
Name=!${primary:-ens5}

[Link]
Unmanaged=yes
EOF
networkctl reload
"""


# Of the NodeConfigs that nodeadm merges the last counts (awslabs.github.io/amazon-eks-ami/nodeadm, "Merging
# multiple configuration objects"), and that is EKS's own, which has a limit as well
# (docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html, "How maxPods is determined").
_NODE_CONFIG = """\
---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config:
      maxPods: {max_pods}
"""

# So kubelet reads the limit from a file as well. nodeadm writes all that NodeConfigs say about kubelet to
# 40-nodeadm.conf in this directory, and kubelet reads its files in alphabetical order
# (awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go, writeKubeletConfigToDir).
_KUBELET_CONFIG = """\
#!/bin/bash
set -euo pipefail
mkdir -p /etc/kubernetes/kubelet/config.json.d
cat >/etc/kubernetes/kubelet/config.json.d/90-max-pods.conf <<EOF
{{
  "apiVersion": "kubelet.config.k8s.io/v1beta1",
  "kind": "KubeletConfiguration",
  "maxPods": {max_pods}
}}
EOF
"""

# bottlerocket.dev/en/os/latest/api/settings/kubernetes, max-pods.
_BOTTLEROCKET = """\
[settings.kubernetes]
max-pods = {max_pods}
"""


def node_user_data(
    family: ImageFamily, *, cilium_makes_interfaces: bool, max_pods: int | None = None
) -> str | None:
    """Base64 of the user data; None where the image needs none.

    It is always the same: a random boundary would change the launch template and replace nodes in each run.

    Args:
        family: The family of the image, which decides the format.
        cilium_makes_interfaces: Whether Cilium configures every interface but the first.
        max_pods: Most pods of a node; what the image computes where None.
    """
    if family == "bottlerocket" and max_pods is not None:
        return _encoded(_BOTTLEROCKET.format(max_pods=max_pods).encode())
    if family != "al2023":
        return None
    document = MIMEMultipart("mixed", boundary=BOUNDARY)
    if cilium_makes_interfaces:
        document.attach(MIMEText(LEAVE_INTERFACES_ALONE, "cloud-boothook", "us-ascii"))
    if max_pods is not None:
        document.attach(MIMEText(_KUBELET_CONFIG.format(max_pods=max_pods), "cloud-boothook", "us-ascii"))
        document.attach(_node_config(max_pods))
    return _encoded(document.as_bytes()) if document.get_payload() else None


def _node_config(max_pods: int) -> MIMEBase:
    part = MIMENonMultipart("application", "node.eks.aws")
    part.set_payload(_NODE_CONFIG.format(max_pods=max_pods))
    return part


def _encoded(document: bytes) -> str:
    return base64.b64encode(document).decode()
