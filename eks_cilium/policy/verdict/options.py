"""How the agents of a cluster enforce policies, from the ConfigMap `cilium-config`.

`live` calls it for running clusters, the mesh stack for the clusters that its policies are compiled for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.versions import minor
from eks_cilium.errors import UserError
from eks_cilium.policy.objects.agents import Agents, agents_of
from eks_cilium.policy.verdict.model import Cluster, Mode, SelectorScope, selector_scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SCOPE, _MODE, _AUDIT = "policy-default-local-cluster", "enable-policy", "policy-audit-mode"
_CIDR_MODE = "policy-cidr-match-mode"
_FIRST_SCOPE = (1, 18)
# validatePolicyCIDRMatchMode in pkg/option/config.go of each release: agents do not start with another word.
_FIRST_CIDR_MODES = {"nodes": (1, 15), "pods": (1, 20)}
OPTIONS = (
    *(_SCOPE, _MODE, _AUDIT, _CIDR_MODE, "labels", "enable-non-default-deny-policies"),
    *("enable-k8s-networkpolicy", "enable-cilium-network-policy", "enable-k8s-cluster-network-policy"),
    *("enable-cilium-clusterwide-network-policy", "enable-l7-proxy", "enable-icmp-rules"),
    *("enable-node-selector-labels", "enable-extended-ip-protocols"),
)
"""The keys of cilium-config that decide verdicts."""


def cluster_of(
    name: str,
    config: Mapping[str, Any],
    version: str,
    node_configs: Iterable[Mapping[str, Any]] = (),
) -> Cluster:
    """A cluster without policies, with the options of its agents.

    Args:
        name: Name of the cluster in Cilium.
        config: Data of its ConfigMap `cilium-config`, or as much of it as `OPTIONS` names.
        version: Cilium release of its agents, such as `1.19.7`.
        node_configs: Its CiliumNodeConfigs, each with `defaults`. Where one of them has policies not enforced
            on some nodes, they count as not enforced, because a pod may be on any node.

    Returns:
        The cluster.

    Raises:
        UserError: `enable-policy` has a value that is not known here.
    """
    replaced = [each["defaults"] for each in node_configs]
    return Cluster(
        name,
        _selector_scope(config, version),
        mode=_mode(config, replaced),
        cidr_selects=frozenset(_cidr_selects(config, version)),
        agents=_agents(config, version, replaced),
    )


def differing(config: Mapping[str, Any], node_configs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The options that decide verdicts and are others on some nodes, each as a sentence."""
    for each in node_configs:
        for key in OPTIONS:
            value = each["defaults"].get(key)
            if value is not None and str(value) != str(config.get(key, "")):
                yield f"CiliumNodeConfig {each['name']} sets {key}: {value} on some nodes"


def _selector_scope(config: Mapping[str, Any], version: str) -> SelectorScope:
    # pkg/clustermesh/types/option.go: agents know the key from 1.18 on, and its default is true from 1.19 on.
    given = config.get(_SCOPE)
    if given is None or minor(version.removeprefix("v")) < _FIRST_SCOPE:
        return selector_scope_of(version)
    return SelectorScope.OWN_CLUSTER if str(given).lower() == "true" else SelectorScope.ANY_CLUSTER


def _cidr_selects(config: Mapping[str, Any], version: str) -> Iterator[str]:
    release = minor(version.removeprefix("v"))
    for word in str(config.get(_CIDR_MODE) or "").replace(",", " ").split():
        if word in _FIRST_CIDR_MODES and release >= _FIRST_CIDR_MODES[word]:
            yield word


def _agents(config: Mapping[str, Any], version: str, replaced: Iterable[Mapping[str, Any]]) -> Agents:
    audit = any(str(defaults.get(_AUDIT)).lower() == "true" for defaults in replaced)
    return agents_of({**config, _AUDIT: "true"} if audit else config, version)


def _mode(config: Mapping[str, Any], replaced: Iterable[Mapping[str, Any]]) -> Mode:
    if any(str(defaults.get(_MODE)).lower() == Mode.NEVER for defaults in replaced):
        return Mode.NEVER
    text = str(config.get(_MODE) or "default").lower()
    try:
        return Mode(text)
    except ValueError as error:
        raise UserError(
            f"cilium-config has enable-policy {text!r}, which is none of default, always and never"
        ) from error
