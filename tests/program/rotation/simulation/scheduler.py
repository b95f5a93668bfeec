"""Whether a node suits a pod, as kube-scheduler's filters decide it, and what it says where none does.

The filters and their messages are those of pkg/scheduler/framework/plugins: nodeunschedulable,
tainttoleration, nodeaffinity, volumebinding, noderesources, nodevolumelimits, nodeports, interpodaffinity,
podtopologyspread.
"""

from collections import Counter
from typing import Any

from .api_server import ApiServer, Object, is_ready

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PODS = "/api/v1/pods"
CLAIMS, VOLUMES = "/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"
CSI_NODES = "/apis/storage.k8s.io/v1/csinodes"
HOSTNAME = "kubernetes.io/hostname"
CORDON_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def choose(api: ApiServer, pod: Object, nodes: list[Object]) -> list[Object]:
    """The nodes that suit a pod; where none does, the pod's condition says why."""
    reasons = {node["metadata"]["name"]: why_not(api, pod, node) for node in nodes}
    fitting = [node for node in nodes if not reasons[node["metadata"]["name"]]]
    if not fitting:
        counts = Counter(reasons.values())
        text = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        _explain(api, pod, f"0/{len(nodes)} nodes are available: {text}.")
    return fitting


def why_not(api: ApiServer, pod: Object, node: Object) -> str:
    """The first filter's objection to a node; empty where it suits."""
    if node["spec"].get("unschedulable") and not _tolerates(pod, CORDON_TAINT):
        return "node(s) were unschedulable"
    if not is_ready(node) or _untolerated(pod, node):
        return "node(s) had untolerated taint(s)"
    others = [other for other in api.of(PODS) if other["spec"].get("nodeName") == node["metadata"]["name"]]
    checks = (
        (_matches(pod, node), "node(s) didn't match Pod's node affinity/selector"),
        (_volumes_suit(api, pod, node), "node(s) had volume node affinity conflict"),
        (_ports_free(pod, others), "node(s) didn't have free ports for the requested pod ports"),
        (_has_resources(pod, node, others), f"Insufficient {_lacking(pod, node, others)}"),
        (_can_attach(api, pod, node, others), "node(s) exceed max volume count"),
        (_keeps_apart(api, pod, node), "node(s) didn't match pod anti-affinity rules"),
        (_is_let_in(pod, node, others), "node(s) didn't satisfy existing pods anti-affinity rules"),
        (_stays_spread(api, pod, node), "node(s) didn't match pod topology spread constraints"),
    )
    return next((reason for suits, reason in checks if not suits), "")


def requests(pod: Object) -> Counter[str]:
    """What a pod requests, in whole units."""
    total: Counter[str] = Counter()
    for container in pod["spec"].get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] += int(amount)
    return total


def _explain(api: ApiServer, pod: Object, message: str) -> None:
    conditions = pod["status"].setdefault("conditions", [])
    known = next((each for each in conditions if each["type"] == "PodScheduled"), None)
    if known is None:
        known = {"type": "PodScheduled", "lastTransitionTime": api.clock.stamp()}
        conditions.append(known)
    known |= {"status": "False", "reason": "Unschedulable", "message": message}


def _untolerated(pod: Object, node: Object) -> bool:
    return any(
        taint["effect"] in ("NoSchedule", "NoExecute") and not _tolerates(pod, taint)
        for taint in node["spec"].get("taints") or ()
    )


def _tolerates(pod: Object, taint: Object) -> bool:
    return any(
        each.get("key", "") in ("", taint["key"])
        and each.get("effect", "") in ("", taint["effect"])
        and (each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", ""))
        for each in pod["spec"].get("tolerations") or ()
    )


def _matches(pod: Object, node: Object) -> bool:
    labels = node["metadata"]["labels"]
    selector = pod["spec"].get("nodeSelector") or {}
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    terms = affinity.get("nodeSelectorTerms")
    return selector.items() <= labels.items() and (terms is None or _any_term(terms, labels))


def _any_term(terms: list[Object], labels: dict[str, str]) -> bool:
    return any(all(_holds(each, labels) for each in term["matchExpressions"]) for term in terms)


def _holds(expression: Object, labels: dict[str, str]) -> bool:
    inside = labels.get(expression["key"]) in expression.get("values", ())
    return {"In": inside, "NotIn": not inside, "Exists": expression["key"] in labels}[expression["operator"]]


def _bound(api: ApiServer, pod: Object) -> list[Object]:
    found = []
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        claim = api.find(CLAIMS, pod["metadata"]["namespace"], name) if name else None
        bound = api.find(VOLUMES, "", claim["spec"]["volumeName"]) if claim else None
        found += [bound] if bound else []
    return found


def _volumes_suit(api: ApiServer, pod: Object, node: Object) -> bool:
    labels = node["metadata"]["labels"]
    return all(
        _any_term(volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"], labels)
        for volume in _bound(api, pod)
        if volume["spec"].get("nodeAffinity")
    )


def _can_attach(api: ApiServer, pod: Object, node: Object, others: list[Object]) -> bool:
    csi = api.find(CSI_NODES, "", node["metadata"]["name"])
    if csi is None:
        return True
    used = Counter(volume["spec"]["csi"]["driver"] for each in (*others, pod) for volume in _bound(api, each))
    return all(used[driver["name"]] <= driver["allocatable"]["count"] for driver in csi["spec"]["drivers"])


def _ports(pod: Object) -> set[tuple[Any, ...]]:
    return {
        (port.get("protocol", "TCP"), port["hostPort"])
        for container in pod["spec"].get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def _ports_free(pod: Object, others: list[Object]) -> bool:
    return all(_ports(pod).isdisjoint(_ports(other)) for other in others)


def _lacking(pod: Object, node: Object, others: list[Object]) -> str:
    free = Counter({key: int(value) for key, value in (node["status"].get("allocatable") or {}).items()})
    for other in others:
        free.subtract(requests(other))
    wanted = requests(pod)
    return next((name for name, amount in wanted.items() if free[name] < amount), "")


def _has_resources(pod: Object, node: Object, others: list[Object]) -> bool:
    return not _lacking(pod, node, others)


def _keeps_apart(api: ApiServer, pod: Object, node: Object) -> bool:
    return not any(_conflicts(api, pod, node, rule) for rule in _anti_affinity(pod))


def _anti_affinity(pod: Object) -> list[Object]:
    rules = (pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    return list(rules.get(REQUIRED) or ())


def _is_let_in(pod: Object, node: Object, others: list[Object]) -> bool:
    """Required anti-affinity of the pods of the node itself, in their own namespace."""
    labels = pod["metadata"].get("labels") or {}
    return not any(
        rule["labelSelector"]["matchLabels"].items() <= labels.items() and _domain(node, rule["topologyKey"])
        for other in others
        if other["metadata"]["namespace"] == pod["metadata"]["namespace"]
        for rule in _anti_affinity(other)
    )


def _stays_spread(api: ApiServer, pod: Object, node: Object) -> bool:
    hard = [
        each
        for each in pod["spec"].get("topologySpreadConstraints") or ()
        if each["whenUnsatisfiable"] == "DoNotSchedule"
    ]
    return all(_skew(api, pod, node, each) <= each["maxSkew"] for each in hard)


def _skew(api: ApiServer, pod: Object, node: Object, constraint: Object) -> float:
    """Cordoned nodes are domains as well: the default of nodeTaintsPolicy is Ignore."""
    key, wanted = constraint["topologyKey"], constraint["labelSelector"]["matchLabels"].items()
    nodes = [each for each in api.of("/api/v1/nodes") if _domain(each, key) and _matches(pod, each)]
    domain_of = {each["metadata"]["name"]: _domain(each, key) for each in nodes}
    counts: Counter[str | None] = Counter(dict.fromkeys(domain_of.values(), 0))
    for other in api.of(PODS, pod["metadata"]["namespace"]):
        counted = other is not pod and "deletionTimestamp" not in other["metadata"]
        if counted and wanted <= (other["metadata"].get("labels") or {}).items():
            place = domain_of.get(other["spec"].get("nodeName", ""))
            counts.update([place] if place else [])
    if node["metadata"]["name"] not in domain_of:
        return float("inf")
    itself: bool = wanted <= (pod["metadata"].get("labels") or {}).items()
    return counts[_domain(node, key)] + itself - min(counts.values())


def _conflicts(api: ApiServer, pod: Object, node: Object, rule: Object) -> bool:
    wanted = rule["labelSelector"]["matchLabels"].items()
    names = {
        each["metadata"]["name"]
        for each in api.of("/api/v1/nodes")
        if _domain(each, rule["topologyKey"]) == _domain(node, rule["topologyKey"])
    }
    return any(
        other is not pod
        and other["spec"].get("nodeName") in names
        and wanted <= (other["metadata"].get("labels") or {}).items()
        for other in api.of(PODS, pod["metadata"]["namespace"])
    )


def _domain(node: Object, key: str) -> str | None:
    found: str | None = node["metadata"]["labels"].get(key)
    return node["metadata"]["name"] if key == HOSTNAME else found
