"""What works on the data path of the VPC CNI and would silently not work on Cilium's.

Host ports, other CNI plugins, IPv6, pods in subnets of their own, and the configuration of the add-on through
which aws-node is kept off new nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.backing import Backing
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Facts
    from eks_cilium.migration.options import CiliumChoices
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.settings.model.migration import Allow

_AWS_NODE = Reference("DaemonSet", NAMESPACE, "aws-node")
_ADD_ON = Reference("Add-on", "", "vpc-cni")


def check(facts: Facts, allow: Allow, cilium: CiliumChoices, findings: Findings) -> None:
    """Add findings about a migration to Cilium; a rollback needs none, since its data path worked before."""
    check_addresses_family(facts, findings)
    _check_host_ports(facts, allow, cilium, findings)
    _check_plugins(facts, allow, cilium, findings)
    _check_add_on(facts, findings)
    aws_node = facts.aws_node
    if aws_node and aws_node.custom_network and not cilium.subnets:
        where = named(aws_node.pod_subnets) or "those of its ENIConfigs"
        findings.add(Code.CUSTOM_NETWORK, _AWS_NODE, detail=where)


def check_addresses_family(facts: Facts, findings: Findings) -> None:
    """Cilium's ENI mode and its chain to the VPC CNI are configured for IPv4 alone (cilium/cilium#18405)."""
    if facts.cluster.ip_family != "ipv4":
        cluster = Reference("Cluster", "", facts.cluster.name)
        findings.add(Code.IP_FAMILY, cluster, detail=facts.cluster.ip_family)


def _check_host_ports(facts: Facts, allow: Allow, cilium: CiliumChoices, findings: Findings) -> None:
    """Pods on the host network have their ports anyway."""
    if cilium.port_map:
        return
    backing = Backing.of(facts)
    for pod in facts.pods:
        if pod.host_ports and not pod.host_network and not pod.terminal:
            workload = backing.workload_of(pod)
            permitted = covers(allow.host_ports, pod.reference, workload)
            code = Code.HOST_PORTS_LOST if permitted else Code.HOST_PORTS
            findings.add(code, workload, pod=pod.reference)


def _check_plugins(facts: Facts, allow: Allow, cilium: CiliumChoices, findings: Findings) -> None:
    for plugin in facts.cni_plugins if cilium.exclusive else ():
        permitted = covers(allow.cni_plugins, plugin)
        findings.add(Code.CNI_PLUGIN_LOST if permitted else Code.CNI_PLUGIN, plugin)


def _check_add_on(facts: Facts, findings: Findings) -> None:
    add_on = facts.add_on
    if add_on is not None and add_on.takes_affinity is False:
        findings.add(Code.ADD_ON_SCHEMA, _ADD_ON, detail=add_on.version)
    elif add_on is not None and add_on.takes_affinity is None:
        findings.add(Code.ADD_ON_SCHEMA_UNKNOWN, _ADD_ON, detail=add_on.version)
