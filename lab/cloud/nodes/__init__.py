"""Instances of a cluster become its nodes, and their nodes are deleted when they end.

`lab.cloud.server` calls `install`; from then on one thread compares EC2's instances with the nodes of every
running cluster. It emulates the registration by the kubelet and the deletion by the cloud controller. The
node player emulates everything else about a node (conditions, lease, pods), based on the Node objects created
here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.cloud.extension import Extension
from lab.cloud.nodes.api import NodeApi
from lab.cloud.nodes.lifecycle import NodeLifecycle
from lab.cloud.nodes.machines import every_machine
from lab.cloud.requests.faults import Faults
from lab.cloud.schedule import Ticker

if TYPE_CHECKING:
    from lab.cloud.extension import Parts


def install(parts: Parts) -> Extension:
    """Start the thread that registers and deletes nodes."""
    life = NodeLifecycle(
        clusters=parts.clusters,
        machines=lambda: every_machine(parts.account),
        connect=lambda cluster: NodeApi(cluster.admin_kubeconfig),
        timing=parts.timing,
        clock=time.monotonic,
    )
    faults = Faults(parts.directory / "faults.jsonl")
    ticker = Ticker("nodes", parts.timing.node_poll, life.compare, faults.record).start()
    return Extension(stop=ticker.stop)
