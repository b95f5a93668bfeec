"""Kubernetes' rules for names of objects, and for keys and values of labels.

The settings are checked by them, and policies as an API server or Cilium's agents check them.
Source: k8s.io/apimachinery, pkg/api/validate/content: IsLabelKey, IsLabelValue, IsDNS1123Subdomain.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME, _LONGEST_PREFIX = 63, 253


def is_label_key(key: str) -> bool:
    """Whether a text is the key of a label in the API: `app`, `example.com/app`."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_subdomain(prefix):
        return False
    return 0 < len(name) <= _LONGEST_NAME and bool(_NAME.fullmatch(name))


def is_label_value(text: str) -> bool:
    """Whether a text may be the value of a label; the empty one may."""
    return not text or (len(text) <= _LONGEST_NAME and bool(_NAME.fullmatch(text)))


def is_subdomain(text: str) -> bool:
    """Whether a text may be the name of most objects (RFC 1123): `my-policy.v2`."""
    return len(text) <= _LONGEST_PREFIX and bool(_SUBDOMAIN.fullmatch(text))


def is_dns_label(text: str) -> bool:
    """Whether a text may be the name of a namespace (RFC 1123): `my-client`."""
    return len(text) <= _LONGEST_NAME and "." not in text and is_subdomain(text)
