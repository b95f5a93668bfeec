"""Which keys and values of labels Cilium's agents accept in a selector.

In Cilium's own kinds an API server checks values and neither keys nor sources. Agents refuse the whole policy
for either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.policy.objects.peers import source_and_key

if TYPE_CHECKING:
    from eks_cilium.policy.objects.agents import Minor

# k8s.io/apimachinery, pkg/api/validate/content: IsLabelKey, IsLabelValue, IsDNS1123Subdomain.
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME, _LONGEST_PREFIX = 63, 253
# pkg/labels/validation.go of Cilium 1.20.
_SOURCE = re.compile(r"[A-Za-z0-9]+")
_FIRST_WITHOUT_SOURCE = (1, 20)


def is_label_key(text: str, minor: Minor) -> bool:
    """Whether agents of that minor accept a key of a selector, with or without a source.

    Up to 1.19 they check the key together with its source, as `any.app` or `k8s.example.com/app`, without
    what follows a `=` (GetExtendedKeyFrom in pkg/labels/labels.go).
    """
    if minor >= _FIRST_WITHOUT_SOURCE:
        source, colon, key = text.partition(":")
        if not colon:
            return is_qualified_name(source)
        return bool(_SOURCE.fullmatch(source)) and is_qualified_name(key)
    source, key = source_and_key(text)
    return is_qualified_name(f"{source or 'any'}.{key}")


def is_label_value(text: str) -> bool:
    """Whether a text may be the value of a label; the empty one may."""
    return not text or (len(text) <= _LONGEST_NAME and bool(_NAME.fullmatch(text)))


def is_subdomain(text: str) -> bool:
    """Whether a text may be the name of most objects (RFC 1123): `my-policy.v2`."""
    return len(text) <= _LONGEST_PREFIX and bool(_SUBDOMAIN.fullmatch(text))


def is_dns_label(text: str) -> bool:
    """Whether a text may be the name of a namespace (RFC 1123): `my-client`."""
    return len(text) <= _LONGEST_NAME and "." not in text and is_subdomain(text)


def is_qualified_name(key: str) -> bool:
    """Whether a text is the key of a label in the API: `app`, `example.com/app` (IsQualifiedName)."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_subdomain(prefix):
        return False
    return 0 < len(name) <= _LONGEST_NAME and bool(_NAME.fullmatch(name))
