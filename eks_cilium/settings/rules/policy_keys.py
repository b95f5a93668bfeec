"""Rules about the keys of policies, as far as the configuration alone shows them.

What depends on the Cilium release of a cluster or on a file is found by the compiler, which the stack calls
through `settings.compiling` once it has read the clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.kubernetes_names import is_label_key, is_label_value
from eks_cilium.policy.objects import is_ipv4_address, parse_ports
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import MeshSettings
    from eks_cilium.settings.model.policies import (
        PolicyAssertion,
        PolicyEndpoint,
        PolicyFile,
        PolicyPods,
    )

KeyPath = tuple[str | int, ...]


def clusters_are_of_the_stack(settings: MeshSettings) -> Iterator[Problem]:
    names = ", ".join(settings.clusters)
    for path, part in _parts_with_a_cluster(settings):
        if part.cluster is not None and part.cluster not in settings.clusters:
            key = (*path, "cluster")
            allowed = f"one of {names}: the clusters of this stack"
            yield Problem(key, part.cluster, allowed, set_fix(key, next(iter(settings.clusters), "...")))


def labels_are_labels(settings: MeshSettings) -> Iterator[Problem]:
    for path, part in _parts_with_a_cluster(settings):
        for key, value in getattr(part, "labels", {}).items():
            place = (*path, "labels", key)
            if not is_label_key(key):
                allowed = "a Kubernetes label key, without a source such as k8s: before it"
                yield Problem(place, value, allowed, remove_command(place))
            elif not is_label_value(value):
                allowed = "a Kubernetes label value: up to 63 letters, digits, dashes, dots and underscores"
                yield Problem(place, value, allowed, set_fix(place, "web"))


def ports_are_ports(settings: MeshSettings) -> Iterator[Problem]:
    for index, intent in enumerate(settings.policies.intents):
        for place, text in enumerate(intent.to.ports):
            yield from _port(("policies", "intents", index, "to", "ports", place), text)
    for path, assertion in _assertions(settings):
        key = (*path, "port")
        yield from _port(key, assertion.port)
        if "-" in assertion.port:
            yield Problem(key, assertion.port, "one port, such as 8080/TCP", set_fix(key, "8080/TCP"))


def _port(path: KeyPath, text: str) -> Iterator[Problem]:
    try:
        parse_ports(text)
    except ValueError:
        allowed = "1 to 65535, or a range that ends after it begins"
        yield Problem(path, text, allowed, set_fix(path, "8080/TCP"))


def endpoints_are_of_one_kind(settings: MeshSettings) -> Iterator[Problem]:
    """An endpoint is pods, an address or an entity, and at least one endpoint of a flow is pods."""
    for path, assertion in _assertions(settings):
        for word, endpoint in (("from", assertion.from_), ("to", assertion.to)):
            yield from _endpoint_problems((*path, word), endpoint)
        if not any(endpoint.cluster for endpoint in (assertion.from_, assertion.to)):
            allowed = "pods on one side at least: no policy of these clusters applies to other traffic"
            yield Problem(path, _shown(assertion), allowed, remove_command(path))


def _endpoint_problems(path: KeyPath, endpoint: PolicyEndpoint) -> Iterator[Problem]:
    pod_keys = {"cluster", "namespace", "labels", "namespace_labels", "service_account"}
    of_pods = pod_keys & endpoint.model_fields_set
    kinds = [bool(of_pods), endpoint.address is not None, endpoint.entity is not None]
    if sum(kinds) != 1:
        allowed = "exactly one of: cluster with namespace (and labels), address, entity"
        yield Problem(path, _shown(endpoint) or UNSET, allowed, set_fix(path, {"entity": "kube-apiserver"}))
        return
    for name in ("cluster", "namespace"):
        if of_pods and getattr(endpoint, name) is None:
            key = (*path, name)
            yield Problem(
                key, UNSET, f"a {name}, because the other keys select pods", set_fix(key, f"my-{name}")
            )
    if endpoint.address is not None and not is_ipv4_address(endpoint.address):
        key = (*path, "address")
        yield Problem(key, endpoint.address, "an IPv4 address", set_fix(key, "203.0.113.10"))


def _shown(part: PolicyAssertion | PolicyEndpoint) -> Any:
    return part.model_dump(by_alias=True, exclude_defaults=True)


def _assertions(settings: MeshSettings) -> Iterator[tuple[KeyPath, PolicyAssertion]]:
    policies = settings.policies
    for name, listed in (("mustAllow", policies.must_allow), ("mustDeny", policies.must_deny)):
        for index, assertion in enumerate(listed):
            yield ("policies", name, index), assertion


def _parts_with_a_cluster(
    settings: MeshSettings,
) -> Iterator[tuple[KeyPath, PolicyPods | PolicyEndpoint | PolicyFile]]:
    policies = settings.policies
    for index, intent in enumerate(policies.intents):
        yield ("policies", "intents", index, "from"), intent.from_
        yield ("policies", "intents", index, "to"), intent.to
    for index, denied in enumerate(policies.default_deny):
        yield ("policies", "defaultDeny", index), denied
    for index, file in enumerate(policies.files):
        yield ("policies", "files", index), file
    for path, assertion in _assertions(settings):
        yield (*path, "from"), assertion.from_
        yield (*path, "to"), assertion.to


RULES = (clusters_are_of_the_stack, labels_are_labels, ports_are_ports, endpoints_are_of_one_kind)
