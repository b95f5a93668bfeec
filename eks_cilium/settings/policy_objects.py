"""The objects that the key `policies` stands for: made from intents, or read from the files it names.

Called by `settings.rules.policies`, which refuses what is wrong with them before anything is made, and by the
stack, which registers them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.objects import (
    Policy,
    UnreadablePolicyError,
    deny_by_default,
    parse_policies,
    policy_pair,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eks_cilium.settings.model.policies import Policies

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Placed:
    """An object and the key of the configuration it comes from, below `policies`."""

    key: KeyPath
    policy: Policy
    any_cluster: bool = False
    """Whether its peer selectors may name no cluster."""
    by_hand: bool = False
    """Whether somebody wrote it into a file."""


def objects(policies: Policies, folder: Path) -> tuple[Placed, ...]:
    """All of them. Paths of files are relative to `folder`. Raises UnreadablePolicyError for a bad file."""
    return (
        *_from_intents(policies),
        *_default_denies(policies),
        *(one for index in range(len(policies.files)) for one in in_file(policies, index, folder)),
    )


def generated(policies: Policies) -> tuple[Placed, ...]:
    """Those that no file holds."""
    return (*_from_intents(policies), *_default_denies(policies))


def in_file(policies: Policies, index: int, folder: Path) -> list[Placed]:
    """Those of one file. Raises UnreadablePolicyError."""
    file = policies.files[index]
    try:
        text = (folder / file.path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UnreadablePolicyError(f"cannot read {file.path}: {reason}") from error
    found = parse_policies(text, cluster=file.cluster, origin=file.path)
    key = ("files", index, "path")
    return [Placed(key, policy, any_cluster=file.any_cluster, by_hand=True) for policy in found]


def _from_intents(policies: Policies) -> Iterator[Placed]:
    for index, one in enumerate(policies.intents):
        for policy in policy_pair(one.intent):
            yield Placed(("intents", index), policy)


def _default_denies(policies: Policies) -> Iterator[Placed]:
    for index, one in enumerate(policies.default_deny):
        yield Placed(("defaultDeny", index), deny_by_default(one.meant))
