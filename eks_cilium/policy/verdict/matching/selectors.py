"""Finds the rules whose selectors select an identity, label by label instead of selector by selector.

Policies of a cluster differ in values of few labels. For each label, the selectors that a value does not
satisfy are one lookup, however many selectors there are; what no label rules out is selected.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.matching.sets import Sets, members

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.verdict.labels import Identity, Requirement, Selector


class SelectorIndex:
    """The selectors of many rules.

    Args:
        rules: For each different selector the set of rules that have it.
    """

    def __init__(self, rules: Mapping[Selector, int]) -> None:
        self._rules = tuple(rules.values())
        self._by_label: dict[tuple[str, str], _Conditions] = defaultdict(_Conditions)
        for number, selector in enumerate(rules):
            for requirement in selector.requirements:
                label = (requirement.source, requirement.key)
                self._by_label[label].add(requirement, 1 << number)

    def rules_selecting(self, identity: Identity) -> Sets:
        """The rules that have a selector which selects an identity."""
        values = identity.by_label()
        failing = unknown = 0
        for label, conditions in self._by_label.items():
            value = values.get(label)
            if value is None and identity.missing(*label):
                unknown |= conditions.selectors
            else:
                failing |= conditions.failing(value)
        possible = (1 << len(self._rules)) - 1 & ~failing
        return Sets(self._having(possible & ~unknown), self._having(possible))

    def _having(self, selectors: int) -> int:
        found = 0
        for number in members(selectors):
            found |= self._rules[number]
        return found


class _Conditions:
    """The conditions of all selectors on one label."""

    def __init__(self) -> None:
        self.selectors = 0
        self._asked: dict[tuple[str, tuple[str, ...]], Requirement] = {}
        self._having: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
        self._listing: dict[str, int] = defaultdict(int)
        self._lists = 0

    def add(self, requirement: Requirement, selector: int) -> None:
        if requirement.operator == "In" and not self._lists & selector:
            self._lists |= selector
            for value in requirement.values:
                self._listing[value] |= selector
        else:
            # A second list of the same selector is a condition of its own: the value has to be in both.
            condition = (requirement.operator, requirement.values)
            self._asked[condition] = requirement
            self._having[condition] |= selector
        self.selectors |= selector

    def failing(self, value: str | None) -> int:
        """The selectors that a value of the label does not satisfy; None where the label is absent."""
        found = self._lists if value is None else self._lists & ~self._listing.get(value, 0)
        for condition, requirement in self._asked.items():
            if not requirement.accepts(value):
                found |= self._having[condition]
        return found
