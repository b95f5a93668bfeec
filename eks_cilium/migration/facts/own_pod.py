"""The pod this program runs in, if any: its node is replaced last, since its drain ends the program.

The kubelet mounts tokens that are bound to the pod, with its namespace and name as claims `kubernetes.io`
(https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/, "Schema for service account
private claims"); those that AWS's SDKs use in a pod are such tokens too. The host name is not always the
pod's: with `hostNetwork` it is the node's, and `spec.hostname` may set another. So it is only asked last.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TOKEN_VARIABLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def own_pod(environment: Mapping[str, str], mount: Path = _MOUNT) -> Reference | None:
    """The pod of this process, by the tokens that are mounted in it; None outside of a cluster."""
    if "KUBERNETES_SERVICE_HOST" not in environment:
        return None
    for token in _tokens(environment, mount):
        if found := _bound_to(token):
            return found
    name, namespace = environment.get("HOSTNAME"), _text(mount / "namespace")
    return Reference("Pod", namespace, name) if name and namespace else None


def _tokens(environment: Mapping[str, str], mount: Path) -> Iterator[str]:
    files = (mount / "token", *(Path(environment[name]) for name in _TOKEN_VARIABLES if name in environment))
    yield from filter(None, map(_text, files))


def _bound_to(token: str) -> Reference | None:
    """The pod in the claims of a token. Its signature does not matter: it decides the order of nodes only."""
    claims = _claims(token).get("kubernetes.io")
    pod = claims.get("pod") if isinstance(claims, dict) else None
    if not isinstance(claims, dict) or not isinstance(pod, dict):
        return None
    return Reference("Pod", str(claims.get("namespace")), str(pod.get("name")))


def _claims(token: str) -> dict[str, Any]:
    payload = token.partition(".")[2].partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
