"""Problems of a configuration: the key in Pulumi's spelling, the value, what is allowed, and the fix.

All problems of a configuration are raised together as one `ConfigurationError`. Stacks use the same words for
what only the cluster shows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import UserError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACE = "eks-cilium"
UNSET: Any = object()
"""The value of a problem whose key is not set."""

_PLAIN_KEY = re.compile(r"^[A-Za-z0-9_-]+$")
_LONGEST_VALUE = 120


@dataclass(frozen=True)
class Problem:
    """One mistake in the configuration and how to fix it."""

    path: tuple[str | int, ...]
    """Keys and indexes; a key of another package than this one carries its namespace: `("aws:region",)`."""
    value: Any
    allowed: str
    fix: str
    unknown: bool = False
    """Whether the key does not exist, whatever its value."""

    @property
    def key(self) -> str:
        return key_path(self.path)

    def __str__(self) -> str:
        return f"{self.key} is {_shown(self.value)}\n    allowed: {self.allowed}\n    fix:     {self.fix}"


class ConfigurationError(UserError):
    """The configuration cannot be used; holds every problem that was found."""

    topic: Topic | None = Topic.CONFIGURATION

    def __init__(self, problems: Sequence[Problem], *, complete: bool = True) -> None:
        self.problems = tuple(problems)
        self.complete = complete
        """Whether the rules between keys were applied as well; they need values of the right shape."""
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        title = "1 problem" if count == 1 else f"{count} problems"
        lines = [f"{title} in the configuration of this stack:", *map(str, self.problems)]
        if not self.complete:
            lines.append("Rules between keys are checked once these problems are fixed.")
        return "\n  ".join(lines)


def key_path(path: Sequence[str | int]) -> str:
    """A path of keys and indexes in Pulumi's spelling: `eks-cilium:cluster.admins[0]`."""
    namespace, _, first = str(path[0]).rpartition(":")
    text = f"{namespace or NAMESPACE}:{first}"
    for part in path[1:]:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if _PLAIN_KEY.match(part) else f"[{json.dumps(part)}]"
    return text


def set_fix(path: Sequence[str | int], example: object) -> str:
    """How to give a key a value.

    A command, except for a list or an object inside of a key: `pulumi config set --path` would store its JSON
    as text, so it has to be written into the stack's file.
    """
    value = example if isinstance(example, str) else json.dumps(example)
    if len(path) > 1 and isinstance(example, list | tuple | dict):
        return f"set {key_path(path)} to {value} in the stack's file"
    quoted = value if re.fullmatch(r"[\w./:-]+", value) else f"'{value}'"
    flag = "--path " if len(path) > 1 else ""
    return f"pulumi config set {flag}'{key_path(path)}' {quoted}"


def remove_command(path: Sequence[str | int]) -> str:
    flag = "--path " if len(path) > 1 else ""
    return f"pulumi config rm {flag}'{key_path(path)}'"


def unknown_key_fix(path: Sequence[str | int], nearest: str | None) -> str:
    """How to fix a key that does not exist, without losing its value where it is a known key misspelled."""
    if nearest is None:
        return f"{remove_command(path)}; or rename it in the stack's file if another key was meant"
    return rename_fix(path, nearest)


def rename_fix(path: Sequence[str | int], name: str) -> str:
    """How to rename a key: Pulumi has no command for it, and `pulumi config rm` would delete the value."""
    if len(path) == 1:
        return f"rename {key_path(path)} to {key_path([name])} in the stack's file"
    return f"rename {path[-1]} to {name} below {key_path(path[:-1])} in the stack's file"


def _shown(value: Any) -> str:
    if value is UNSET:
        return "not set"
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + " ..."
