"""A rule as the agents of a cluster enforce it, from a policy of any kind."""

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
    """One entry of a policy, with everything Cilium adds to what is written."""

    name: RuleName
    ingress: bool
    deny: bool
    subject: Selector
    """The pods that the policy selects."""
    peers: tuple[Peer, ...] | None
    """None for every peer; an empty tuple matches no peer."""
    ports: tuple[PortMatch, ...] | None
    """None for every port and protocol; an empty tuple matches no port."""
    default_deny: bool
    """Whether the rule switches default deny on for the pods it selects, in its direction."""
    layer7: tuple[str, ...] = ()
    """Conditions beyond the port on traffic that the rule allows."""
    places: tuple[str, ...] = ()
    """Where each of `peers` is written, below the entry: `toEndpoints[0]`."""


@dataclass(frozen=True)
class NotEvaluated:
    """A policy, or a rule of one, that verdicts do not take into account, and the reason."""

    cluster: str
    policy: str
    why: str
