"""Helm values for a cluster whose CNI is Cilium in ENI mode, from its first node on or node by node.

`stacks/cilium_eni.py` calls it. A value that is known only during an update (host of the endpoint, a role) is
passed through whatever its type, so a preview shows all other values. Measured facts come from rendering the
chart of every release in `versions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from eks_cilium.cilium.masquerade import Masquerade
    from eks_cilium.cilium.versions import Release

AGENT_NOT_READY_TAINT = "node.cilium.io/agent-not-ready"
OPERATOR_SERVICE_ACCOUNT = ("kube-system", "cilium-operator")

CERTIFICATE_RENEWAL = "0 0 1 */4 *"
"""When Hubble's certificates are renewed: every four months, as the chart's values propose."""

COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
COMPUTE_WITHOUT_AGENTS = ("fargate", "auto", "hybrid")
"""Compute types of nodes on which no agent can run, though it would tolerate their taints."""
ABLE_TO_RUN_AGENTS = {"key": COMPUTE_TYPE, "operator": "NotIn", "values": list(COMPUTE_WITHOUT_AGENTS)}
# The chart's watcher deletes pods with the label k8s-app=kube-dns that Cilium does not manage, every 15
# seconds.
WITHOUT_WATCHER = {"operator": {"unmanagedPodWatcher": {"restart": False}}}

POLICY_MODE = "policyEnforcementMode"
WITHOUT_POLICY_MODE: Mapping[str, Any] = MappingProxyType({POLICY_MODE: None})
"""For a release beside which `PolicyPause` and `PolicyResume` set the mode in Cilium's configuration.

Helm takes a key with null out of the values, and the chart then writes no `enable-policy`
(templates/cilium-configmap.yaml). So an upgrade in the middle of a migration leaves the mode alone; with the
chart's default it would write `default` again, and agents would enforce policies among mixed nodes.
"""

_CHARTS_OWN_FOR_ENVOY = {"key": "cilium.io/no-schedule", "operator": "NotIn", "values": ["true"]}
"""The chart's own expression for Envoy, repeated here because a list in values replaces the chart's list."""

Leaf = Any
"""A plain value, or an object that resolves to it later (a `pulumi.Output`)."""


@dataclass(frozen=True, kw_only=True)
class Mode:
    """The inputs of the values in every mode."""

    release: Release
    cluster_name: str
    cluster_id: int = 0
    encryption: Literal["none", "wireguard"] = "none"
    operator_replicas: int = 2
    hubble_enabled: bool = True
    hubble_relay: bool = False
    hubble_ui: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OnlyCniMode(Mode):
    """The inputs of the values of a cluster whose only CNI is Cilium, in the end or from the start."""

    api_host: Leaf
    """Host of the API server, without https://, with which the chart renders and the agents crash."""
    api_port: Leaf
    kube_proxy_replacement: bool = True


@dataclass(frozen=True, kw_only=True)
class EniMode(OnlyCniMode):
    """The inputs of the values of a cluster in ENI mode."""

    region: str
    operator_role_arn: Leaf | None
    """Role that the operator's service account names; None where Pod Identity gives it one."""
    subnet_filter: Leaf
    """Subnets of nodes and pods, as a list or as one string: see `Release.filters_are_lists`."""
    pod_subnets: Leaf | None = None
    """Subnets in which interfaces for pods are made; None where pods share those of their nodes."""
    native_cidr: Leaf
    """Network inside which pods keep their addresses while they are masqueraded."""
    masquerade: Masquerade
    interface_tags: Mapping[str, str]
    prefix_delegation: bool = False
    beside: tuple[str, str] | None = None
    """Key and value of the label on nodes that another CNI serves, where it is replaced node by node."""


def eni_values(mode: EniMode) -> dict[str, Any]:
    """The values of the release. `extra` overrides the others; settings refuse the keys of `decided_keys`."""
    return merged_all(
        common(mode),
        _routing(mode),
        _interfaces(mode),
        _masquerading(mode),
        services(mode),
        _region(mode),
        {} if mode.beside else renewed_certificates(mode),
        _beside_another_cni(mode),
        mode.extra,
        WITHOUT_POLICY_MODE if mode.beside else {},
    )


def common(mode: Mode) -> dict[str, Any]:
    """The values that are the same in every mode."""
    return merged_all(_identity(mode), _operator(mode), _encryption(mode), _hubble(mode))


def merged_all(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge of value trees, later ones over earlier ones."""
    values: dict[str, Any] = {}
    for part in parts:
        values = merged(values, part)
    return values


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge of two value trees; neither is changed."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _identity(mode: Mode) -> dict[str, Any]:
    return {
        "cluster": {"name": mode.cluster_name, "id": mode.cluster_id},
        "agentNotReadyTaintKey": AGENT_NOT_READY_TAINT,
    }


def _routing(mode: EniMode) -> dict[str, Any]:
    key, value = mode.release.native_routing
    return {key: value, "ipam": {"mode": "eni"}}


def _interfaces(mode: EniMode) -> dict[str, Any]:
    # `eni.enabled` needs `ipam.mode` in `_routing`: before 1.19 either alone silently means an overlay.
    return {
        "eni": {
            "enabled": True,
            **_role(mode),
            "eniTags": dict(mode.interface_tags),
            "awsEnablePrefixDelegation": mode.prefix_delegation,
            # Without the filter the operator may put pods of private nodes into a public subnet of the zone.
            "subnetIDsFilter": mode.subnet_filter,
            **_pods_apart(mode),
        }
    }


def _pods_apart(mode: EniMode) -> dict[str, Any]:
    """Let only further interfaces serve pods, and make these in the subnets of pods.

    A node's first interface is in the subnet of the node, so it is left out (`FirstInterfaceIndex` in
    pkg/aws/eni/types/types.go of cilium/cilium). The security groups stay those of the first interface.
    """
    if mode.pod_subnets is None:
        return {}
    return {"nodeSpec": {"firstInterfaceIndex": 1, "subnetIDs": mode.pod_subnets}}


def _role(mode: EniMode) -> dict[str, Any]:
    # The AWS SDK prefers the role that the service account names to that of Pod Identity, so it must not name
    # one (docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html). The operator takes the SDK's
    # default chain (pkg/aws/ec2/ec2.go, `NewConfig`).
    return {} if mode.operator_role_arn is None else {"iamRole": mode.operator_role_arn}


def _masquerading(mode: EniMode) -> dict[str, Any]:
    # Always set: the chart's default in ENI mode changed from on to off with 1.18 (cilium/cilium#38663).
    if not mode.masquerade.enabled:
        return {"enableIPv4Masquerade": False}
    return {
        "enableIPv4Masquerade": True,
        "egressMasqueradeInterfaces": mode.masquerade.interfaces,
        "ipv4NativeRoutingCIDR": mode.native_cidr,
    }


def services(mode: OnlyCniMode) -> dict[str, Any]:
    """Who serves Services, and how agents reach the API server."""
    if not mode.kube_proxy_replacement:
        return {"kubeProxyReplacement": mode.release.no_kube_proxy_replacement}
    # Services do not work before Cilium runs, so agents cannot reach the API server through one.
    return {
        "kubeProxyReplacement": mode.release.kube_proxy_replacement,
        "k8sServiceHost": mode.api_host,
        "k8sServicePort": mode.api_port,
    }


def _operator(mode: Mode) -> dict[str, Any]:
    return {"operator": {"replicas": mode.operator_replicas}}


def _region(mode: EniMode) -> dict[str, Any]:
    # Without it the operator asks the instance metadata, which may be closed to it (cilium/cilium#39307).
    return {"operator": {"extraEnv": [{"name": "AWS_REGION", "value": mode.region}]}}


def _encryption(mode: Mode) -> dict[str, Any]:
    if mode.encryption == "none":
        return {}
    return {"encryption": {"enabled": True, "type": mode.encryption}}


def _hubble(mode: Mode) -> dict[str, Any]:
    return {
        "hubble": {
            "enabled": mode.hubble_enabled,
            "relay": {"enabled": mode.hubble_relay},
            "ui": {"enabled": mode.hubble_ui},
        }
    }


def renewed_certificates(mode: Mode) -> dict[str, Any]:
    """Let a CronJob renew Hubble's certificates, which are valid for a year.

    The chart's default method creates them once, and from 1.18 on each upgrade keeps them. Beside another CNI
    it stays: the Job's pods would be among those that drains wait for.
    """
    if mode.release.certificates_need_a_hook or not mode.hubble_enabled:
        return {}
    return {"hubble": {"tls": {"auto": {"method": "cronJob", "schedule": CERTIFICATE_RENEWAL}}}}


def _beside_another_cni(mode: EniMode) -> dict[str, Any]:
    """Keep agents off the nodes of the other CNI, and keep the operator from deleting their pods.

    The values stay after the last of these nodes is replaced: they have no effect then, and removing them
    would restart every agent.
    """
    if mode.beside is None:
        return {}
    label, value = mode.beside
    not_its_nodes = {"key": label, "operator": "NotIn", "values": [value]}
    return merged_all(placed(mode, not_its_nodes, ABLE_TO_RUN_AGENTS), WITHOUT_WATCHER)


def placed(mode: Mode, *expressions: dict[str, Any]) -> dict[str, Any]:
    """Affinity of the agents, and of Envoy beside them, to nodes that match all expressions."""
    values: dict[str, Any] = {"affinity": _on_nodes(list(expressions))}
    if mode.release.envoy_is_a_daemon_set:
        values["envoy"] = {"affinity": _on_nodes([_CHARTS_OWN_FOR_ENVOY, *expressions])}
    return values


def _on_nodes(expressions: list[dict[str, Any]]) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
