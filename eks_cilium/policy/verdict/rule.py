"""A rule as the agents of a cluster enforce it, whatever kind of object it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eks_cilium.policy.verdict.labels import Selector
    from eks_cilium.policy.verdict.model import RuleName
    from eks_cilium.policy.verdict.peers import Peer
    from eks_cilium.policy.verdict.ports import PortMatch


@dataclass(frozen=True)
class Rule:
    """One entry of a policy."""

    name: RuleName
    ingress: bool
    deny: bool
    subject: Selector
    peers: tuple[Peer, ...] | None
    """None for everybody; nobody when empty."""
    ports: tuple[PortMatch, ...] | None
    """None for every port and protocol; no port at all when empty."""
    default_deny: bool
    """Whether what no rule allows is denied because of it."""
    layer7: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotEvaluated:
    """A policy, or a part of one, that says nothing here, and why."""

    cluster: str
    policy: str
    why: str
