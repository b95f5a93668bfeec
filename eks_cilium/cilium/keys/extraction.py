"""Reads the key tree of a chart: its default values, and the keys that are only in a comment of values.yaml.

`python -m eks_cilium.cilium.keys` and the test that compares the stored trees with the charts call it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.cilium.keys import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMENTED = re.compile(r"^( *)# ?([A-Za-z][A-Za-z0-9]*):(?: .*)?$")
_KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9]*):(?: .*)?$")
_REFERENCE = re.compile(r"\.Values\.([A-Za-z0-9.]+)")

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
    text = (chart / "values.yaml").read_text()
    stated = set(_paths(yaml.safe_load(text), ()))
    referenced = {path for file in _templates(chart) for path in _REFERENCE.findall(file.read_text())}
    have = {".".join(path.split(".")[:length]) for path in stated for length in range(1, path.count(".") + 2)}
    mentioned = {path for path in _commented_keys(text) if path in referenced and path not in have}
    return sorted(stated | {f"{path}.{ANYTHING}" for path in mentioned})


def _templates(chart: Path) -> Iterator[Path]:
    yield from sorted(chart.glob("templates/**/*.yaml"))
    yield from sorted(chart.glob("templates/**/*.tpl"))


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


def _commented_keys(text: str) -> Iterator[str]:
    """The paths of keys in comments, from the indentation that they would have as values."""
    stack: list[tuple[int, str]] = []
    for line in text.splitlines():
        commented, stated = _COMMENTED.match(line), _KEY.match(line)
        match = commented or stated
        if match is None:
            continue
        indent, key = len(match[1]), match[2]
        while stack and stack[-1][0] >= indent:
            stack.pop()
        if commented:
            yield ".".join([*(name for _, name in stack), key])
        else:
            stack.append((indent, key))
