"""User data for nodes whose network interfaces belong to Cilium.

Cilium sets up the addresses and routes of every interface but the first. On Amazon Linux 2023
systemd-networkd would configure them as well, by DHCP, and drop Cilium's addresses when the carrier
flickers. Managed node groups merge this document with their own.
"""

from __future__ import annotations

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

_BOUNDARY = "==eks-cilium=="

# A boot hook runs before kubelet, so before there is a second interface. The first one is called ens5 on
# most instance types, but not on all, so it is asked for by its route; all others (ens*, eth*, enp*) are
# left alone.
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
    """Base64 of the MIME document for Amazon Linux 2023; always the same, or every run would renew nodes."""
    document = MIMEMultipart("mixed", boundary=_BOUNDARY)
    document.attach(MIMEText(LEAVE_INTERFACES_ALONE, "cloud-boothook", "us-ascii"))
    return base64.b64encode(document.as_bytes()).decode()
