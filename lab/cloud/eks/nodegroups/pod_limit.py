"""How many pods a node of a group takes, when its launch template says so in the user data.

EKS puts a NodeConfig of its own behind the caller's, with kubelet's limit in it, so that a limit in the
caller's NodeConfig does not count; a drop-in file of kubelet's that is read after nodeadm's does. Sources:
docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html, "How maxPods is determined"; "Merging
multiple configuration objects" of nodeadm's documentation; nodeadm/internal/kubelet/config.go.
"""

from __future__ import annotations

import base64
import re
import tomllib
from email import message_from_bytes
from typing import Any

_DROP_IN = re.compile(
    r">\s*/etc/kubernetes/kubelet/config\.json\.d/(\S+\.conf)(.*?\"maxPods\":\s*(\d+))", re.DOTALL
)
_NODEADMS_OWN = "40-nodeadm.conf"


def max_pods(ami_type: str, template: dict[str, Any]) -> int | None:
    """Return the limit that takes effect on a node, or None for the image's own."""
    document = base64.b64decode(template.get("UserData") or "")
    if not document:
        return None
    if ami_type.startswith("BOTTLEROCKET"):
        return _of_bottlerocket(document.decode())
    return _of_amazon_linux(document) if ami_type.startswith("AL2023") else None


def _of_bottlerocket(text: str) -> int | None:
    limit = tomllib.loads(text).get("settings", {}).get("kubernetes", {}).get("max-pods")
    return limit if isinstance(limit, int) else None


def _of_amazon_linux(document: bytes) -> int | None:
    parts = list(message_from_bytes(document).walk())
    # kubelet is given the directory only when a NodeConfig says something about kubelet, and EKS's does.
    found = {
        name: int(limit)
        for part in parts
        if part.get_content_type() in ("text/cloud-boothook", "text/x-shellscript")
        for name, _, limit in _DROP_IN.findall(str(part.get_payload()))
    }
    later = [name for name in sorted(found) if name > _NODEADMS_OWN]
    return found[later[-1]] if later else None
