"""User data for nodes whose network interfaces Cilium configures; used by `NodeGroup`.

Cilium sets the addresses and routes of every interface but the first. On Amazon Linux 2023 systemd-networkd
would configure them as well, by DHCP, and drop Cilium's addresses when the carrier is lost for a moment: see
"Node Configuration" on the page "AWS ENI" of Cilium's documentation, and cilium/cilium#24397. Managed node
groups merge this document with their own.
"""

from __future__ import annotations

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

_BOUNDARY = "==eks-cilium=="

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


def node_user_data() -> str:
    """Base64 of the MIME document for Amazon Linux 2023.

    It is always the same: a random boundary would change the launch template and replace nodes in each run.
    """
    document = MIMEMultipart("mixed", boundary=_BOUNDARY)
    document.attach(MIMEText(LEAVE_INTERFACES_ALONE, "cloud-boothook", "us-ascii"))
    return base64.b64encode(document.as_bytes()).decode()
