"""Kubernetes' rules for label keys and values, and the domains that Kubernetes, EKS and Cilium reserve."""

from __future__ import annotations

import re

_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")
_DOMAIN = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
_RESERVED = ("kubernetes.io", "k8s.io", "eks.amazonaws.com", "cilium.io")
_LONGEST_DOMAIN = 253


def is_label_key(key: str) -> bool:
    """Whether a text is a label key: a name, optionally after a DNS domain and a slash."""
    domain, slash, name = key.rpartition("/")
    if slash and not (len(domain) <= _LONGEST_DOMAIN and _DOMAIN.match(domain)):
        return False
    return _NAME.match(name) is not None


def is_label_value(value: str) -> bool:
    """Whether a text is a label value: empty, or a name."""
    return value == "" or _NAME.match(value) is not None


def is_reserved(key: str) -> bool:
    """Whether the key is in a domain that Kubernetes, EKS or Cilium reserve."""
    domain = key.rpartition("/")[0]
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)
