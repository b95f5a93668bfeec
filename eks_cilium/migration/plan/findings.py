"""What a plan is blocked by and warns of, gathered by object while the plan is made.

A budget that blocks thirty pods on ten nodes becomes one blocker with thirty pods, not thirty blockers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Blocker, Code, PlanWarning
from eks_cilium.migration.plan.wording import BLOCKERS, WARNINGS, BlockerTexts
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference


@dataclass(slots=True)
class _Gathered:
    details: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, None] = field(default_factory=dict)
    pods: dict[Reference, None] = field(default_factory=dict)
    pattern: str = ""
    advice: str = ""
    """How to fix it, where that depends on more than the code."""


class Findings:
    """All findings so far, in the order in which they were added first."""

    def __init__(self, section: str = "migration") -> None:
        """`section` is the part of the configuration whose `allow` permits exceptions."""
        self._section = section
        self._found: dict[tuple[Code, Reference], _Gathered] = {}

    def add(
        self, code: Code, about: Reference, *, detail: str = "", node: str = "", pod: Reference | None = None
    ) -> None:
        """Add a finding about an object; several with the same code and object become one."""
        gathered = self._found.get((code, about))
        if gathered is None:
            gathered = self._found[code, about] = _Gathered(pattern=_pattern(about))
        if detail:
            gathered.details[detail] = None
        if node:
            gathered.nodes[node] = None
        if pod:
            gathered.pods[pod] = None

    def advise(self, code: Code, about: Reference, fix: str) -> None:
        """Say how to fix a finding that was added, instead of the advice for its code."""
        self._found[code, about].advice = fix

    def blockers(self) -> tuple[Blocker, ...]:
        return tuple(
            self._blocker(code, about, gathered)
            for (code, about), gathered in self._found.items()
            if code in BLOCKERS
        )

    def warnings(self) -> tuple[PlanWarning, ...]:
        return tuple(
            PlanWarning(code, about, self._filled(WARNINGS[code], about, gathered), tuple(gathered.nodes))
            for (code, about), gathered in self._found.items()
            if code in WARNINGS
        )

    def _blocker(self, code: Code, about: Reference, gathered: _Gathered) -> Blocker:
        texts = BlockerTexts(*(self._filled(text, about, gathered) for text in BLOCKERS[code]))
        return Blocker(
            code=code,
            object=about,
            problem=texts.problem,
            allowed=texts.allowed,
            fix=gathered.advice or texts.fix,
            setting=texts.setting,
            nodes=tuple(gathered.nodes),
            pods=tuple(gathered.pods),
        )

    def _filled(self, text: str, about: Reference, gathered: _Gathered) -> str:
        return text.format(
            detail=named(tuple(gathered.details)),
            count=counted(len(gathered.pods), "pod"),
            nodes=counted(len(gathered.nodes), "node"),
            name=about.name,
            pattern=gathered.pattern,
            section=self._section,
        )


def _pattern(about: Reference) -> str:
    return f"{about.namespace}/{about.name}" if about.namespace else about.name
