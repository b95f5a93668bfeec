"""The labels by which people name a workload: for selectors of proposals, and for rows of overviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.objects.identity_labels import is_identity_label

if TYPE_CHECKING:
    from eks_cilium.policy.verdict.model import Pod

# The labels by which charts and people name a workload, the most exact first.
_NAMING = (
    ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"),
    ("k8s-app",),
    ("app",),
    ("name",),
)


def naming_labels(pod: Pod) -> dict[str, str]:
    """The labels by which people name the workload of a pod; all of them where it has none of these."""
    keeps = pod.label_filter.keeps if pod.label_filter else is_identity_label
    known = {key: value for key, value in pod.labels.items() if pod.has_identity or keeps(key)}
    for keys in _NAMING:
        if keys[0] in known:
            return {key: known[key] for key in keys if key in known}
    return known
