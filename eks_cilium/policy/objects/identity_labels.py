"""Which labels of pods Cilium makes part of their identity, by its default. Policies see no others.

Asked for the identities of pods in a verdict, and by `checking` for selectors that can match no pod.
"""

from __future__ import annotations

import re
from functools import cache

_INCLUDED = (
    r"io\.kubernetes\.pod\.namespace",
    r"io\.cilium\.k8s\.namespace\.labels",
    r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster",
    r"io\.cilium\.k8s\.policy\.serviceaccount",
)
_IGNORED = (
    r"io\.kubernetes",
    r"kubernetes\.io",
    r"statefulset\.kubernetes\.io/pod-name",
    r"apps\.kubernetes\.io/pod-index",
    r"batch\.kubernetes\.io/job-completion-index",
    r"batch\.kubernetes\.io/controller-uid",
    r".*beta\.kubernetes\.io",
    r"k8s\.io",
    r"pod-template-generation",
    r"pod-template-hash",
    r"controller-revision-hash",
    r"controller-uid",
    r"annotation.*",
    r"etcd_node",
    r"topology\.kubernetes\.io",
)


@cache
def is_identity_label(key: str) -> bool:
    """Whether Cilium's default makes a pod's label part of its identity. Policies see no other labels.

    As in Cilium's pkg/labelsfilter: the longest match of a pattern that includes the key has to be longer
    than the shortest match of a pattern that ignores it.
    """
    included = [match.end() for pattern in _INCLUDED if (match := re.match(pattern, key))]
    ignored = [match.end() for pattern in _IGNORED if (match := re.match(pattern, key))]
    return not ignored or max(included, default=0) > min(ignored)
