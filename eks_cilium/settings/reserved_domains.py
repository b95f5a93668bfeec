"""The domains of label keys that Kubernetes, EKS and Cilium reserve. The rules for nodes ask for it."""

from __future__ import annotations

_RESERVED = ("kubernetes.io", "k8s.io", "eks.amazonaws.com", "cilium.io")


def is_reserved(key: str) -> bool:
    """Whether a label key is in a domain that is reserved."""
    domain = key.rpartition("/")[0]
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)
