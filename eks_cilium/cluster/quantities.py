"""Quantities of resources as Kubernetes writes them: `250m`, `1.5Gi`, `2e3`."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?$")
# k8s.io/apimachinery/pkg/api/resource/suffix.go
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def quantity(written: str | int | float) -> Decimal:
    """The number that a quantity stands for. Raises ValueError for what is none."""
    found = _QUANTITY.match(str(written).strip())
    if found is None:
        raise ValueError(f"{written!r} is no quantity")
    number, suffix = found.groups()
    return Decimal(number) * _SUFFIXES.get(suffix or "", Decimal(1))
