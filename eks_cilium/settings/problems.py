"""What is wrong with a configuration, in the user's words.

Each problem names the key as `pulumi config set --path` spells it, the value found, what is allowed and how
to fix it. All problems of a configuration are raised together as one `ConfigurationError`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACE = "eks-cilium"
UNSET: Any = object()
"""Marks a key that has no value at all."""

_PLAIN_KEY = re.compile(r"^[A-Za-z0-9_-]+$")
_LONGEST_VALUE = 120


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the configuration."""

    path: tuple[str | int, ...]
    value: Any
    allowed: str
    fix: str
    unknown: bool = False
    """Whether the key itself is what is wrong."""

    @property
    def key(self) -> str:
        """The key as `pulumi config set --path` takes it."""
        return key_path(self.path)

    def __str__(self) -> str:
        """Three short lines: key and value, what is allowed, how to fix it."""
        return f"{self.key} is {_shown(self.value)}\n    allowed: {self.allowed}\n    fix:     {self.fix}"


class ConfigurationError(UserError):
    """The configuration cannot be used; carries every problem found."""

    def __init__(self, problems: Sequence[Problem], *, complete: bool = True) -> None:
        self.problems = tuple(problems)
        self.complete = complete
        """Whether the rules between keys were looked at as well."""
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        title = "1 problem" if count == 1 else f"{count} problems"
        lines = [f"{title} in the configuration of this stack:", *map(str, self.problems)]
        if not self.complete:
            lines.append("What keys mean for each other is checked when these are right.")
        return "\n  ".join(lines)


def key_path(path: Sequence[str | int]) -> str:
    """Spell a path of keys and indexes the way Pulumi does: `eks-cilium:cluster.admins[0]`."""
    namespace, _, first = str(path[0]).rpartition(":")
    text = f"{namespace or NAMESPACE}:{first}"
    for part in path[1:]:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if _PLAIN_KEY.match(part) else f"[{json.dumps(part)}]"
    return text


def set_command(path: Sequence[str | int], example: object) -> str:
    """The command that gives a key a value."""
    value = example if isinstance(example, str) else json.dumps(example)
    quoted = value if re.fullmatch(r"[\w./:-]+", value) else f"'{value}'"
    flag = "--path " if len(path) > 1 else ""
    return f"pulumi config set {flag}'{key_path(path)}' {quoted}"


def remove_command(path: Sequence[str | int]) -> str:
    """The command that removes a key."""
    flag = "--path " if len(path) > 1 else ""
    return f"pulumi config rm {flag}'{key_path(path)}'"


def _shown(value: Any) -> str:
    if value is UNSET:
        return "not set"
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + " ..."
