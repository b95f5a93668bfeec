"""Rules about `cilium.values`: keys the chart does not know, and keys that this program decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eks_cilium.cilium.decided import (
    DECIDED,
    DECIDED_IN_CHAINING,
    DECIDED_IN_NEW_CHAINING,
    DECIDED_IN_OVERLAY,
    DECIDED_IN_REPLACEMENT,
    PORT_MAP,
    Decided,
    decided_keys,
)
from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.settings.model import (
    ChainingSettings,
    NewChainedClusterSettings,
    NewClusterBaseSettings,
    NewClusterSettings,
    ReplacementSettings,
)
from eks_cilium.settings.problems import Problem, remove_command, unknown_key_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    Installing = NewClusterBaseSettings | ChainingSettings | ReplacementSettings

_TABLES = {
    NewClusterSettings: DECIDED,
    ChainingSettings: DECIDED_IN_CHAINING,
    NewChainedClusterSettings: DECIDED_IN_NEW_CHAINING,
    ReplacementSettings: DECIDED_IN_REPLACEMENT,
}


def chart_knows_the_keys(settings: Installing) -> Iterator[Problem]:
    # Helm ignores an unknown key without an error.
    version = settings.cilium.version
    for unknown in unknown_keys(version, settings.cilium.values):
        path = ("cilium", "values", *unknown.path)
        allowed = f"a key of the chart {version}, which does not know {'.'.join(unknown.path)!r}"
        yield Problem(path, unknown.value, allowed, unknown_key_fix(path, unknown.nearest))


def mode_decides_some_keys(settings: Installing) -> Iterator[Problem]:
    # Some values define the mode; others have a key of their own in the configuration.
    for inner, value, decided in decided_keys(settings.cilium.values, _table(settings)):
        path = ("cilium", "values", *inner)
        instead = f", then set eks-cilium:{decided.instead}" if decided.instead else ""
        allowed = f"nothing: {decided.why}"
        yield Problem(path, value, allowed, remove_command(path) + instead)


def _table(settings: Installing) -> Mapping[str, Decided]:
    overlay = isinstance(settings, NewClusterSettings) and settings.cilium.ipam == "cluster-pool"
    return DECIDED_IN_OVERLAY if overlay else _TABLES[type(settings)]


def host_ports_are_served_once(settings: Installing) -> Iterator[Problem]:
    # Cilium serves host ports itself where it replaces kube-proxy (page "Kubernetes Without kube-proxy").
    path = ("cilium", "values", "cni", "chainingMode")
    cni = settings.cilium.values.get("cni")
    chained = isinstance(cni, Mapping) and cni.get("chainingMode") == PORT_MAP
    if chained and isinstance(settings, NewClusterSettings) and settings.cilium.kube_proxy_replacement:
        allowed = "nothing while cilium.kubeProxyReplacement is true: Cilium then serves host ports itself"
        yield Problem(path, PORT_MAP, allowed, remove_command(path))


RULES = (mode_decides_some_keys, chart_knows_the_keys, host_ports_are_served_once)
