"""What an explanation consists of: for each side the policies that select the pod, their entries, changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import DirectionVerdict, Endpoint, RuleName, Verdict


@dataclass(frozen=True)
class Selecting:
    """A policy that selects the pod in one direction."""

    policy: str
    """Kind and name: `CiliumNetworkPolicy my-client/allow`."""
    selector: str
    """The labels by which it selects the pod: `app=my-client`."""
    default_deny: bool
    """Whether it denies what no rule allows."""


@dataclass(frozen=True)
class Entry:
    """An entry of a policy that selects the pod, and whether it means the flow."""

    rule: RuleName
    deny: bool
    meant: bool | None
    """Whether the entry means the flow; None where only agents know."""
    because: tuple[str, ...]
    """The selectors and ports that mean the flow, or those that miss it."""


@dataclass(frozen=True)
class Side:
    """One direction of the flow."""

    direction: Literal["egress", "ingress"]
    endpoint: Endpoint
    """The pod whose policies decide; an address or an entity has none."""
    found: DirectionVerdict
    selecting: tuple[Selecting, ...] = ()
    entries: tuple[Entry, ...] = ()
    """Entries that decide, or where none does, those that come closest."""
    left_off: int = 0
    """How many entries miss the flow beyond those listed."""


@dataclass(frozen=True)
class Change:
    """A change that turns the verdict into its opposite, or a part of one."""

    says: str
    cluster: str
    policy: Policy | None = None
    """An object to add; None where another policy or an option has to change."""


@dataclass(frozen=True)
class Explanation:
    """A verdict with its reasons, and the smallest change to the opposite verdict."""

    verdict: Verdict
    egress: Side
    ingress: Side
    changes: tuple[Change, ...]
    """All of them are needed together."""
