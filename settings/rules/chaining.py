"""Rules about chaining Cilium to the VPC CNI, as far as the configuration alone shows them.

What the cluster shows (its network, its VPC CNI, its pods) is refused in the preview.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from cilium.chaining import DEFAULT_POOL, overlaps
from settings.problems import Problem, remove_command, set_command
from settings.rules.running_cluster import cilium_takes_the_name, patterns_twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from settings.model import ChainingSettings

_LARGEST, _SMALLEST = 10, 20


def pool_fits(settings: ChainingSettings) -> Iterator[Problem]:
    """Agents' addresses that a peer has as well would be taken for the peer's, on every node."""
    pool, path = settings.cilium.pool, ("cilium", "pool")
    if not _LARGEST <= ipaddress.IPv4Network(pool).prefixlen <= _SMALLEST:
        allowed = f"a network of /{_LARGEST} to /{_SMALLEST}: every node takes a /27 of it"
        yield Problem(path, pool, allowed, set_command(path, DEFAULT_POOL))
    shared = list(overlaps(pool, (("peer", cidr) for cidr in settings.peer_cidrs)))
    if shared:
        allowed = f"a network without addresses of any other; shared with {', '.join(shared)}"
        yield Problem(path, pool, allowed, set_command(path, DEFAULT_POOL))


def peers_are_given_once(settings: ChainingSettings) -> Iterator[Problem]:
    """A network written twice is a slip: perhaps another one was meant."""
    for index, cidr in enumerate(settings.peer_cidrs):
        if cidr in settings.peer_cidrs[:index]:
            path = ("peerCidrs", index)
            yield Problem(path, cidr, "every network once", remove_command(path))


def patterns_are_given_once(settings: ChainingSettings) -> Iterator[Problem]:
    """A pattern written twice is a slip: perhaps another one was meant."""
    yield from patterns_twice(settings.refresh, ("refresh",))
    yield from patterns_twice(settings.refresh.allow, ("refresh", "allow"))


RULES = (cilium_takes_the_name, pool_fits, peers_are_given_once, patterns_are_given_once)
