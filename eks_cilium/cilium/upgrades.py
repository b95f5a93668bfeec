"""Upgrades of Cilium: which are done at once, and what Cilium's own upgrade notes say of them.

`stacks/cilium_upgrades.py` asks before anything is registered. Cilium tests upgrades and rollbacks between
neighbouring minors only (Documentation/operations/upgrade-notes.inc of 1.20.2: "The only tested upgrade and
rollback path is between consecutive minor releases"). `eks_cilium.cilium.upgrade_notes` has the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from eks_cilium.cilium.upgrade_notes import NOTES, SOURCES
from eks_cilium.cilium.versions import has_minor, minor, minor_text, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cilium.upgrade_notes import Note

Minor = tuple[int, int]


class Detour(NamedTuple):
    """Why an upgrade is not done at once, and how it is done instead."""

    allowed: str
    fix: str


def changes_minor(present: str, wanted: str) -> bool:
    """Whether an upgrade or a rollback leads to another minor."""
    return minor(present) != minor(wanted)


def detour(present: str, wanted: str) -> Detour | None:
    """How to come from one release to another where that is not done at once; None where it is."""
    before, after = minor(present), minor(wanted)
    if after < before:
        return _back(present)
    if after <= _next(before):
        return None
    between = _next(before)
    return _by_this_program(present, between) if has_minor(between) else _by_helm(present, wanted)


def newest_first(present: str) -> str:
    """Advice to take the newest patch of the minor that is left; empty where a newer one is not known."""
    if not has_minor(minor(present)) or _patch(present) >= _patch(tried(present)):
        return ""
    return f"Cilium advises to upgrade {present} to the newest patch of {minor_text(present)} first"


def notes(present: str, wanted: str, values: Mapping[str, Any]) -> list[str]:
    """What Cilium's upgrade notes of the wanted minor say of the values of its chart, one sentence a note.

    `values` are all values of the release: the user's and those of this program.
    """
    if not changes_minor(present, wanted):
        return []
    found = [str(note) for note in NOTES.get(minor(wanted), ()) if _concerns(note, values)]
    return [*found, f"all notes of {minor_text(wanted)}: {SOURCES[minor(wanted)]}"] if found else found


def _concerns(note: Note, values: Mapping[str, Any]) -> bool:
    given = [key for key in note.keys if _is_set(values, key)]
    return (not given if note.unset else bool(given)) and all(_is_on(values, key) for key in note.only_with)


def _is_set(values: Mapping[str, Any], key: str) -> bool:
    return _value(values, key) is not None


def _is_on(values: Mapping[str, Any], key: str) -> bool:
    value = _value(values, key)
    plain = value is None or isinstance(value, str | int | list | Mapping)
    return bool(value) if plain else True  # known only during an update, as an output


def _value(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _back(present: str) -> Detour:
    return Detour(
        f"{minor_text(present)}.x or the next minor: Cilium {present} runs, and a newer minor may "
        "have written what an older one does not read",
        "take back an upgrade that was just done by `helm history cilium -n kube-system` and `helm rollback "
        "cilium <revision> -n kube-system`, one minor at a time; then cilium.version may be what runs",
    )


def _by_this_program(present: str, between: Minor) -> Detour:
    step = tried(f"{_text(between)}.0")
    return Detour(
        f"{minor_text(present)}.x or {_text(between)}.x: Cilium {present} runs, and Cilium is "
        "upgraded one minor at a time",
        f"pulumi config set --path 'eks-cilium:cilium.version' {step}; run `pulumi up`, wait until "
        "every agent runs it, then go on to the next minor",
    )


def _by_helm(present: str, wanted: str) -> Detour:
    stops = list(_between(minor(present), minor(wanted)))
    return Detour(
        f"{minor_text(present)}.x: Cilium {present} runs, Cilium is upgraded one minor at a time, and this "
        f"program does not serve {', '.join(map(_text, stops))}",
        f"upgrade with Helm to the newest patch of {', then of '.join(map(_text, stops))}, as "
        "Cilium's upgrade guide of each says, or create a new cluster; then set cilium.version again",
    )


def _between(before: Minor, after: Minor) -> Iterator[Minor]:
    step = _next(before)
    while step < after and not has_minor(step):
        yield step
        step = _next(step)


def _next(before: Minor) -> Minor:
    return before[0], before[1] + 1


def _patch(version: str) -> int:
    return int(version.split(".")[2])


def _text(of: Minor) -> str:
    return ".".join(map(str, of))
