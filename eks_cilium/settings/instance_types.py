"""Reads the name of an EC2 instance type: its architecture, its accelerator, whether it is Nitro or metal."""

from __future__ import annotations

import re
from typing import Literal

Accelerator = Literal["nvidia", "neuron"]

_NAME = re.compile(r"^(?P<family>[a-z]+[0-9]+[a-z0-9-]*)\.(?P<size>[a-z0-9-]+)$")
_PARTS = re.compile(r"^(?P<series>[a-z]+)(?P<generation>[0-9]+)(?P<options>[a-z0-9-]*)$")

# Families on the Xen hypervisor: all of AWS's before late 2017.
_XEN = frozenset(
    {
        *("c1", "c3", "c4", "cc2", "cr1", "d2", "f1", "g2", "g3", "g3s", "h1", "hs1", "i2", "i3"),
        *("m1", "m2", "m3", "m4", "p2", "p3", "r3", "r4", "t1", "t2", "x1", "x1e"),
    }
)


def is_instance_type(name: str) -> bool:
    return _NAME.match(name) is not None


def architecture(name: str) -> str:
    """`arm64` for Graviton (a `g` among the options after the generation, and a1), else `x86_64`."""
    parts = _PARTS.match(name.partition(".")[0])
    if parts is None:
        return "x86_64"
    graviton = parts["series"] == "a" or "g" in parts["options"]
    return "arm64" if graviton else "x86_64"


def accelerator(name: str) -> Accelerator | None:
    """Which accelerator the type has: instances of the series g, gr and p, and of inf and trn, have one.

    g4ad is the exception: its graphics cards are AMD's.
    """
    family = name.partition(".")[0]
    parts = _PARTS.match(family)
    if parts is None or family == "g4ad":
        return None
    if parts["series"] in ("g", "gr", "p"):
        return "nvidia"
    return "neuron" if parts["series"] in ("inf", "trn") else None


def is_metal(name: str) -> bool:
    """Whether the type is a bare-metal instance, such as m7i.metal-24xl."""
    return name.partition(".")[2].startswith("metal")


def is_nitro(name: str) -> bool:
    """Whether the type is a Nitro instance: the only ones whose interfaces take prefixes."""
    family, _, size = name.partition(".")
    return family not in _XEN or size.endswith("metal")
