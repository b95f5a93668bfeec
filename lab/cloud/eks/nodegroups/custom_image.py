"""What a node reads from the user data of a launch template with an image of its own.

EKS adds nothing to it, so a node joins only where the user data names its cluster, and has only the taints
that kubelet registers (docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, "Specifying an AMI").
"""

from __future__ import annotations

import base64
import tomllib
from email import message_from_bytes
from typing import Any

import yaml

from lab.cloud.eks.records.boot import Boot
from lab.cloud.running_clusters import Taint

_TAINTS = "--register-with-taints="


def boot_of(template: dict[str, Any]) -> Boot:
    """Return what the user data of a launch template says; nothing where it is of no known form."""
    document = base64.b64decode(template.get("UserData") or "")
    if document.lstrip().startswith(b"["):
        return _of_bottlerocket(tomllib.loads(document.decode()))
    for part in message_from_bytes(document).walk():
        if part.get_content_type() == "application/node.eks.aws":
            return _of_nodeadm(yaml.safe_load(str(part.get_payload())))
    return Boot()


def _of_nodeadm(config: dict[str, Any]) -> Boot:
    cluster, kubelet = config["spec"].get("cluster", {}), config["spec"].get("kubelet", {})
    texts = [flag.removeprefix(_TAINTS) for flag in kubelet.get("flags", []) if flag.startswith(_TAINTS)]
    return Boot(
        cluster=cluster.get("name", ""),
        endpoint=cluster.get("apiServerEndpoint", ""),
        authority=cluster.get("certificateAuthority", ""),
        taints=tuple(_taint(*text.partition("=")[::2]) for text in ",".join(texts).split(",") if text),
        max_pods=kubelet.get("config", {}).get("maxPods"),
    )


def _of_bottlerocket(document: dict[str, Any]) -> Boot:
    settings = document.get("settings", {}).get("kubernetes", {})
    taints = settings.get("node-taints", {})
    return Boot(
        cluster=settings.get("cluster-name", ""),
        endpoint=settings.get("api-server", ""),
        authority=settings.get("cluster-certificate", ""),
        taints=tuple(_taint(key, text) for key, texts in taints.items() for text in texts),
        max_pods=settings.get("max-pods"),
    )


def _taint(key: str, text: str) -> Taint:
    value, _, effect = text.rpartition(":")
    return Taint(key, effect, value)
