"""Required node affinities of DaemonSets: on which nodes their pods may run.

`nodeSelectorTerms` is one atomic list to the API server: a field manager that sets it sets it whole. One of
its terms has to hold, and all expressions of that term. So a restriction is added to every term, and the
other expressions are repeated as they were. aws-node and Cilium's agents are both placed with this.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Object

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def of_pods(daemon_set: Object) -> Object | None:
    """The affinity in the pod template of a DaemonSet."""
    affinity: Object | None = daemon_set["spec"]["template"]["spec"].get("affinity")
    return affinity


def terms_of(affinity: Object) -> Any:
    """The terms of which one has to hold; None where every node is allowed."""
    return ((affinity.get("nodeAffinity") or {}).get(REQUIRED) or {}).get("nodeSelectorTerms")


def managers(daemon_set: Object) -> list[str]:
    """Names of the field managers that own something of the affinity, the latest first."""
    found = [
        (str(entry.get("time") or ""), str(entry.get("manager") or "kubectl"))
        for entry in daemon_set["metadata"].get("managedFields") or ()
        if '"f:affinity"' in json.dumps(entry.get("fieldsV1") or {})
    ]
    return [name for _, name in sorted(found, key=lambda each: each[0], reverse=True)]


def with_changed_terms(affinity: Object | None, change: Callable[[list[Object]], list[Object]]) -> Object:
    """The affinity with `change` applied to the expressions of every term; everything else stays."""
    affinity = affinity or {}
    changed = [
        {**term, "matchExpressions": change(term.get("matchExpressions") or [])}
        for term in terms_of(affinity) or [{}]
    ]
    node_affinity = affinity.get("nodeAffinity") or {}
    return {**affinity, "nodeAffinity": {**node_affinity, REQUIRED: {"nodeSelectorTerms": changed}}}
