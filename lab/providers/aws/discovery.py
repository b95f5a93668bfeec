"""Collects the entries that the modules of a package declare, so that no list of modules has to be kept."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def members(package: str, path: list[str], attribute: str) -> Iterator[Any]:
    """Every member of the tuples called `attribute` in the modules below a package, by module name."""
    for module in pkgutil.walk_packages(path, f"{package}."):
        yield from getattr(importlib.import_module(module.name), attribute, ())
