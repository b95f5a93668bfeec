"""What the compiler takes and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from eks_cilium.policy.objects import DefaultDeny, Intent, Policy, PolicyPair
    from eks_cilium.policy.verdict import Flow, Verdict

KeyPath: TypeAlias = tuple[str | int, ...]
ReadFile: TypeAlias = Callable[[str], str]
"""Returns the text of a file by its path; raises OSError or UnicodeDecodeError where that is impossible."""


@dataclass(frozen=True)
class PolicyFile:
    """A YAML file of policies for one cluster."""

    cluster: str
    """Name, in Cilium, of the cluster that gets them."""
    path: str
    any_cluster: bool = False
    """Whether peer selectors may name no cluster, although Cilium 1.19 reads those differently."""


@dataclass(frozen=True)
class Assertion:
    """A flow whose outcome the configuration asserts, for each port of a range alike."""

    flow: Flow
    written: Any
    """The assertion as the user wrote it, to be quoted in a problem."""


@dataclass(frozen=True)
class PolicySources:
    """The content of the key `policies` of a stack file, as plain values."""

    intents: tuple[Intent, ...] = ()
    default_deny: tuple[DefaultDeny, ...] = ()
    files: tuple[PolicyFile, ...] = ()
    must_allow: tuple[Assertion, ...] = ()
    must_deny: tuple[Assertion, ...] = ()


@dataclass(frozen=True)
class PolicyProblem:
    """Something wrong with the policies of a stack file, and how to fix it."""

    path: KeyPath
    """The key below `policies`, spelled as in the stack file: `("files", 0, "path")`."""
    value: Any
    allowed: str
    fix: str = ""
    """What to change, in words. Empty where setting the key to `instead` is the fix."""
    instead: Any = None
    """An allowed value of the key."""
    permit: KeyPath | None = None
    """A key that permits what was found once it is true."""


@dataclass(frozen=True)
class CompiledPolicies:
    """Every object of a stack's policies, every problem with them, and the verdicts they lead to."""

    intents: tuple[PolicyPair, ...] = ()
    """The two policies of each intent, in the order of the intents."""
    default_deny: tuple[Policy, ...] = ()
    """The policy of each default deny, in their order."""
    files: tuple[tuple[Policy, ...], ...] = ()
    """The policies of each file, in the order of the files; none of a file that cannot be read."""
    problems: tuple[PolicyProblem, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    """On every different flow of the intents and assertions, in parts where not all of its ports are alike.

    Empty while an object has a problem.
    """

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All objects, in the order in which they are listed above."""
        pairs = (policy for pair in self.intents for policy in pair)
        by_hand = (policy for policies in self.files for policy in policies)
        return (*pairs, *self.default_deny, *by_hand)
