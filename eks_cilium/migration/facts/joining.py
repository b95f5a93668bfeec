"""How long nodes of this cluster took to join: from the launch of an instance to a Ready node.

Read for the estimate alone, so a refusal by AWS is no obstacle.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eks_cilium.clients.ec2 import Ec2
from eks_cilium.errors import AwsRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from eks_cilium.migration.facts.model import Node

_MOST_NODES = 20
_SHORTEST, _LONGEST = 5.0, 1200.0
"""A node that became Ready later was disturbed in between, one that was Ready earlier was started again."""


def seconds(ec2: Any, nodes: Iterable[Node]) -> tuple[float, ...]:
    """The times of the youngest nodes that show how long they took; `ec2` is boto3's client."""
    youngest = sorted(nodes, key=_created, reverse=True)[:_MOST_NODES]
    ready = {node.instance: node.ready_since for node in youngest if node.instance and node.ready}
    try:
        launched = Ec2(ec2).launched(ready)
    except AwsRefusedError:
        return ()
    took = (
        (since - launched[instance]).total_seconds()
        for instance, since in ready.items()
        if since and instance in launched
    )
    return tuple(sorted(time for time in took if _SHORTEST <= time <= _LONGEST))


def _created(node: Node) -> datetime:
    return node.created or datetime.min.replace(tzinfo=UTC)
