"""Which keys of labels Cilium's agents accept in a selector.

In Cilium's own kinds an API server checks values and neither keys nor sources. Agents refuse the whole policy
for either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium import kubernetes_names
from eks_cilium.policy.objects.peers import source_and_key

if TYPE_CHECKING:
    from eks_cilium.policy.objects.agents import Minor

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
            return kubernetes_names.is_label_key(source)
        return bool(_SOURCE.fullmatch(source)) and kubernetes_names.is_label_key(key)
    source, key = source_and_key(text)
    return kubernetes_names.is_label_key(f"{source or 'any'}.{key}")
