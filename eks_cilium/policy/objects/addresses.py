"""Which texts are addresses; called for assertions in the configuration, and by `eks-cilium verdict`."""

from __future__ import annotations

import ipaddress


def is_ipv4_address(text: str) -> bool:
    """Whether a text is an IPv4 address without a length of prefix."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
