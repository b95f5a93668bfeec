"""Which release of Cilium a cluster runs.

Called by the programs that install Cilium, before an upgrade, and by `eks_cilium.mesh`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

_VERSION = re.compile(r":v?(\d+\.\d+\.\d+)")


def running_release(api: ReadingApi) -> str | None:
    """The version that the agents' DaemonSet has, such as 1.19.7.

    None where there are no agents, and where the tag of their image is no version.
    """
    daemon_set = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/cilium")
    if daemon_set is None:
        return None
    found = _VERSION.search(agent_image(daemon_set))
    return found[1] if found else None


def version_or_image(daemon_set: Object) -> str:
    """The version in the tag of the agents' image; the whole image where the tag is no version."""
    image = agent_image(daemon_set)
    found = _VERSION.search(image)
    return found[1] if found else image


def agent_image(daemon_set: Object) -> str:
    """The image of the agents; empty where the DaemonSet has no such container."""
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    return str(next((item["image"] for item in containers if item["name"] == "cilium-agent"), ""))
