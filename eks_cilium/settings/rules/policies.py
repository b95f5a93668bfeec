"""Rules about policies across clusters, for every mode that has them.

They stand alone: the mode says which clusters there are and which Cilium each has, and where in the
configuration the policies are. What the policies allow is judged here too, so that a preview fails before an
outage does.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import crds
from eks_cilium.policy.objects import CLUSTER_LABEL, UnreadablePolicyError, check, parse_ports
from eks_cilium.policy.verdict import (
    Cluster,
    Decision,
    Evaluator,
    Flow,
    Pod,
    Port,
    failed_assertion,
    selector_scope_of,
)
from eks_cilium.settings.policy_objects import Placed, generated, in_file
from eks_cilium.settings.problems import UNSET, Problem, key_path, remove_command, set_command
from eks_cilium.settings.rules.kubernetes_names import is_label_key, is_label_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.objects import Pods
    from eks_cilium.policy.verdict import Verdict
    from eks_cilium.settings.model.policies import (
        Policies,
        PolicyAssertion,
        PolicyEnd,
        PolicyFile,
        PolicyPods,
    )
    from eks_cilium.settings.policy_objects import KeyPath


@dataclass(frozen=True)
class Setting:
    """What the mode knows about its policies."""

    policies: Policies
    versions: Mapping[str, str]
    """Cilium version of each cluster, by its name in Cilium."""
    path: KeyPath = ("policies",)
    folder: Path = Path()
    """Where paths of files begin."""


def broken_policy_rules(setting: Setting) -> list[Problem]:
    """Every problem. What the policies allow is judged once they themselves are sound."""
    found = [problem for rule in _ABOUT_KEYS for problem in rule(setting)]
    if found:
        return found
    placed, found = _placed(setting)
    found += [problem for rule in _ABOUT_OBJECTS for problem in rule(setting, placed)]
    return found or list(_assertions_hold(setting, placed))


def verdicts(setting: Setting) -> list[Verdict]:
    """What becomes of every intent and every assertion, in that order, for the preview's table."""
    placed, _ = _placed(setting)
    world = _world(setting, placed)
    flows = list(_flows(setting.policies))
    return [world.evaluate(flow) for index, flow in enumerate(flows) if flow not in flows[:index]]


def _flows(policies: Policies) -> Iterator[Flow]:
    for one in policies.intents:
        meant = one.intent
        source, destination = (_pod(pods) for pods in (meant.source, meant.destination))
        for each in meant.destination.ports:
            yield Flow(source, destination, Port(each.first, each.protocol, str(each)))
        if not meant.destination.ports:
            yield Flow(source, destination, Port(1, "TCP", "every port"))
    for assertion in (*policies.must_allow, *policies.must_deny):
        yield _flow(assertion)


def _pod(pods: Pods) -> Pod:
    return Pod(pods.cluster, pods.namespace, pods.labels)


def _flow(assertion: PolicyAssertion) -> Flow:
    wanted = parse_ports(assertion.port)
    return Flow(assertion.from_.end, assertion.to.end, Port(wanted.first, wanted.protocol))


def _placed(setting: Setting) -> tuple[list[Placed], list[Problem]]:
    """The objects, and a problem for every file that cannot be read."""
    placed, found = list(generated(setting.policies)), []
    for index, file in enumerate(setting.policies.files):
        try:
            placed += in_file(setting.policies, index, setting.folder)
        except UnreadablePolicyError as error:
            path = (*setting.path, "files", index, "path")
            allowed = f"a YAML file of Cilium's policies: {error}"
            found.append(Problem(path, file.path, allowed, set_command(path, "policies/cluster-1.yaml")))
    return placed, found


def _world(setting: Setting, placed: list[Placed]) -> Evaluator:
    return Evaluator(
        Cluster(
            name,
            selector_scope_of(version),
            tuple(one.policy for one in placed if one.policy.cluster == name),
        )
        for name, version in setting.versions.items()
    )


def clusters_are_of_the_stack(setting: Setting) -> Iterator[Problem]:
    """Policies can only be written into, and across, clusters that this stack joins."""
    names = ", ".join(setting.versions)
    for path, pods in _places(setting):
        if pods.cluster is not None and pods.cluster not in setting.versions:
            key = (*path, "cluster")
            allowed = f"one of {names}: the clusters of this stack"
            yield Problem(key, pods.cluster, allowed, set_command(key, next(iter(setting.versions))))


def labels_are_labels(setting: Setting) -> Iterator[Problem]:
    """Kubernetes' rules for labels; a source such as `k8s:` is written by this program."""
    for path, pods in _places(setting):
        for key, value in getattr(pods, "labels", {}).items():
            place = (*path, "labels", key)
            if not is_label_key(key):
                allowed = "a Kubernetes label key, without a source such as k8s: before it"
                yield Problem(place, value, allowed, remove_command(place))
            elif not is_label_value(value):
                allowed = "a Kubernetes label value: up to 63 letters, digits, dashes, dots and underscores"
                yield Problem(place, value, allowed, set_command(place, "web"))


def ports_are_ports(setting: Setting) -> Iterator[Problem]:
    """Numbers that exist, and ranges where both agents understand them."""
    for index, one in enumerate(setting.policies.intents):
        for place, text in enumerate(one.to.ports):
            path = (*setting.path, "intents", index, "to", "ports", place)
            yield from _port(path, text)
            yield from _range(setting, path, text, {one.from_.cluster, one.to.cluster})
    for path, assertion in _assertions(setting):
        key = (*path, "port")
        yield from _port(key, assertion.port)
        if "-" in assertion.port:
            yield Problem(key, assertion.port, "one port, such as 8080/TCP", set_command(key, "8080/TCP"))


def _port(path: KeyPath, text: str) -> Iterator[Problem]:
    try:
        parse_ports(text)
    except ValueError:
        allowed = "1 to 65535, or a range that ends after it begins"
        yield Problem(path, text, allowed, set_command(path, "8080/TCP"))


def _range(setting: Setting, path: KeyPath, text: str, clusters: set[str]) -> Iterator[Problem]:
    for name in sorted(clusters & setting.versions.keys()):
        version = setting.versions[name]
        if "-" in text and not crds.knows(version, "endPort"):
            allowed = f"single ports: Cilium {version} of {name} knows no ranges, they came with 1.16"
            yield Problem(path, text, allowed, set_command(path, text.partition("-")[0] + text[-4:]))


def ends_are_one_thing(setting: Setting) -> Iterator[Problem]:
    """An end of traffic is pods, an address or an entity, and pods on at least one side."""
    for path, assertion in _assertions(setting):
        for word, end in (("from", assertion.from_), ("to", assertion.to)):
            yield from _end_problems((*path, word), end)
        if not any(end.cluster for end in (assertion.from_, assertion.to)):
            allowed = "pods on one side at least: only they have policies that are judged here"
            yield Problem(path, _shown(assertion), allowed, remove_command(path))


def _end_problems(path: KeyPath, end: PolicyEnd) -> Iterator[Problem]:
    of_pods = {"cluster", "namespace", "labels", "namespace_labels", "service_account"} & end.model_fields_set
    kinds = [bool(of_pods), end.address is not None, end.entity is not None]
    if sum(kinds) != 1:
        allowed = "exactly one of: cluster with namespace (and labels), address, entity"
        yield Problem(path, _shown(end) or UNSET, allowed, set_command(path, {"entity": "kube-apiserver"}))
        return
    for name in ("cluster", "namespace"):
        if of_pods and getattr(end, name) is None:
            key = (*path, name)
            yield Problem(key, UNSET, f"a {name}, as it is about pods", set_command(key, f"my-{name}"))
    if end.address is not None and not _is_address(end.address):
        key = (*path, "address")
        yield Problem(key, end.address, "an IPv4 address", set_command(key, "203.0.113.10"))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _shown(part: PolicyAssertion | PolicyEnd) -> Any:
    return part.model_dump(by_alias=True, exclude_defaults=True)


def names_are_unique(setting: Setting, placed: list[Placed]) -> Iterator[Problem]:
    """Two objects of one name in one namespace would be one, and the last one would win."""
    seen: dict[tuple[str, str, str, str], Placed] = {}
    for one in placed:
        policy = one.policy
        first = seen.setdefault((policy.cluster, policy.kind, policy.namespace, policy.name), one)
        if first is not one:
            path = (*setting.path, *one.key)
            allowed = (
                f"a name of its own: {policy} of {policy.cluster} is made by {_key(setting, first)} as well"
            )
            yield Problem(path, policy.name, allowed, "rename one of the two, or remove one")


def _key(setting: Setting, placed: Placed) -> str:
    return key_path((*setting.path, *placed.key))


def definitions_allow_them(setting: Setting, placed: list[Placed]) -> Iterator[Problem]:
    """An API server drops unknown keys and accepts what agents refuse, both without a word."""
    for one in placed:
        version = setting.versions.get(one.policy.cluster)
        if version is None:
            continue
        for finding in check(one.policy, version, any_cluster=one.any_cluster):
            path = (*setting.path, *one.key)
            fix = f"in {one.policy.origin}: {finding.fix}"
            if CLUSTER_LABEL in finding.allowed and one.by_hand:
                permit = (*setting.path, *one.key[:2], "anyCluster")
                fix += f"; to permit it: {set_command(permit, True)}"
            allowed = f"at {finding.key}: {finding.allowed} (Cilium {version})"
            yield Problem(path, {str(one.policy): finding.value}, allowed, fix)


def _assertions_hold(setting: Setting, placed: list[Placed]) -> Iterator[Problem]:
    """What must be allowed is, and what must be denied is."""
    world = _world(setting, placed)
    for path, assertion in _assertions(setting):
        allow = path[-2] == "mustAllow"
        found = failed_assertion(world, _flow(assertion), Decision.ALLOWED if allow else Decision.DENIED)
        if found is not None:
            wanted = "allow" if allow else "deny"
            allowed = f"only what the policies {wanted}; but {found.verdict.flow} is {found.found}"
            yield Problem(path, _shown(assertion), allowed, found.fix)


def _assertions(setting: Setting) -> Iterator[tuple[KeyPath, PolicyAssertion]]:
    for name, listed in (
        ("mustAllow", setting.policies.must_allow),
        ("mustDeny", setting.policies.must_deny),
    ):
        for index, assertion in enumerate(listed):
            yield (*setting.path, name, index), assertion


def _places(setting: Setting) -> Iterator[tuple[KeyPath, PolicyPods | PolicyEnd | PolicyFile]]:
    """Everything that names a cluster."""
    for index, one in enumerate(setting.policies.intents):
        yield (*setting.path, "intents", index, "from"), one.from_
        yield (*setting.path, "intents", index, "to"), one.to
    for index, denied in enumerate(setting.policies.default_deny):
        yield (*setting.path, "defaultDeny", index), denied
    for index, file in enumerate(setting.policies.files):
        yield (*setting.path, "files", index), file
    for path, assertion in _assertions(setting):
        yield (*path, "from"), assertion.from_
        yield (*path, "to"), assertion.to


_ABOUT_KEYS = (clusters_are_of_the_stack, labels_are_labels, ports_are_ports, ends_are_one_thing)
_ABOUT_OBJECTS = (names_are_unique, definitions_allow_them)
