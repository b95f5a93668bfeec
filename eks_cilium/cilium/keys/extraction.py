"""Reads the key tree of a chart: its default values, and the keys without a default that its templates read.

Helm honours a key exactly when a template reads it, whether or not values.yaml mentions it: many are only
in a comment there, some at another indentation than the key has (`ipMasqAgent.config`).
`lab.toolchain.new_release` and the test that compares the stored trees with the charts call it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cilium.keys import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REFERENCE = re.compile(r"\.Values\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)")
_TESTED = re.compile(r'hasKey\s+\.Values((?:\.[A-Za-z0-9_]+)*)\s+"([A-Za-z0-9_]+)"')
_ALIAS = re.compile(r"\$(\w+)\s*:?=\s*\(?\s*coalesce((?:\s+\.Values\.[A-Za-z0-9_.]+)+)\s*\)?")
"""`$socketLB := (coalesce .Values.socketLB .Values.hostServices)`: a name for the first that is not empty."""

_REFUSING = frozenset({"validate.yaml"})
"""Templates that read removed keys only to fail the render."""

# Kubernetes' own types: the chart passes them on unchanged, whatever keys its default has.
_FREE_FORM = frozenset(
    {
        "affinity",
        "annotations",
        "extraConfig",
        "labels",
        "nodeSelector",
        "podAnnotations",
        "podLabels",
        "podSecurityContext",
        "resources",
        "securityContext",
        "updateStrategy",
    }
)


def extract(chart: Path) -> list[str]:
    """All keys of an unpacked chart, as sorted dotted paths."""
    stated = set(_paths(yaml.safe_load((chart / "values.yaml").read_text()), ()))
    known = {path.removesuffix(f".{ANYTHING}") for path in stated}
    read = {path for file in _templates(chart) for path in _read_keys(file.read_text(), known)}
    new = {path for path in read if not _is_in(known, path)}
    deepest = {path for path in new if not any(other.startswith(f"{path}.") for other in new)}
    return sorted(stated | {f"{path}.{ANYTHING}" for path in deepest})


def _templates(chart: Path) -> Iterator[Path]:
    for pattern in ("templates/**/*.yaml", "templates/**/*.tpl"):
        yield from (file for file in sorted(chart.glob(pattern)) if file.name not in _REFUSING)


def _paths(node: Any, above: tuple[str, ...]) -> Iterator[str]:
    """The leaves of the default values. Any key may follow where the default is null or an empty object."""
    free_form = bool(above) and above[-1] in _FREE_FORM
    if node is None or node == {} or (free_form and isinstance(node, dict)):
        yield ".".join((*above, ANYTHING))
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _paths(value, (*above, str(key)))
    else:
        yield ".".join(above)


def _read_keys(template: str, known: set[str]) -> Iterator[str]:
    """The keys that a template reads: by their path, by `hasKey`, or through a variable."""
    yield from _REFERENCE.findall(_ALIAS.sub("", template))
    for above, key in _TESTED.findall(template):
        yield f"{above}.{key}".removeprefix(".")
    for variable, sources in _ALIAS.findall(template):
        base = _first_set(_REFERENCE.findall(sources), known)
        yield base
        for below in re.findall(rf"\${variable}\.([A-Za-z0-9_.]+)", template):
            yield f"{base}.{below}"


def _first_set(sources: list[str], known: set[str]) -> str:
    """What `coalesce` returns: an object with defaults is never empty, so what comes after it is not read."""
    return next((path for path in sources if _is_in(known, path)), sources[0])


def _is_in(known: set[str], path: str) -> bool:
    """Whether a path is a known key, is above one, or is below one of Kubernetes' own types."""
    parts = path.split(".")
    return any(key == path or key.startswith(f"{path}.") for key in known) or any(
        ".".join(parts[: index + 1]) in known for index, part in enumerate(parts) if part in _FREE_FORM
    )
