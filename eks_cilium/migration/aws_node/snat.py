"""Excludes peer networks from the VPC CNI's SNAT, so that peers see pods' own addresses.

Without it a policy in a peer that names pods would see the address of their node
(aws/amazon-vpc-cni-k8s#474). Where the VPC CNI translates nothing (`AWS_VPC_K8S_CNI_EXTERNALSNAT`), nothing
is changed. Called for the resource `SnatExclusions`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node import add_on
from eks_cilium.migration.aws_node.recorded import SnatBefore
from eks_cilium.migration.cni import AWS
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.facts.network import aws_node
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import SNAT
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.migration.run import Run


def exclude(run: Run, peers: Sequence[str]) -> dict[str, Any]:
    """Exclude the peers' networks (CIDRs) from SNAT. Returns {"changed": bool, "exclusions": CIDRs}."""
    run.world.guard()
    now = aws_node.read(run.world.api)
    if now is None:
        raise StoppedError(Topic.NO_VPC_CNI, f"DaemonSet {NAMESPACE}/aws-node does not exist")
    missing = [] if now.external_snat else [peer for peer in peers if not _covers(now.snat_exclusions, peer)]
    if not missing:
        return {"changed": False, "exclusions": list(now.snat_exclusions)}
    record, managed = run.world.record, run.world.eks.add_on(VPC_CNI)
    if record.get(SNAT) is None:
        configuration = managed.configuration if managed else None
        record.put(SNAT, SnatBefore(configuration, tuple(now.snat_exclusions)).to_json())
    wanted = [*now.snat_exclusions, *missing]
    run.report(f"aws-node excludes {', '.join(wanted)} from SNAT")
    if managed:
        add_on.configure(run, configured(managed.configuration, wanted))
    else:
        run.world.api.apply(AWS.path, _applied(wanted), force=True)
    rollout.await_roll_out(run, AWS)
    return {"changed": True, "exclusions": wanted}


def restore(run: Run) -> None:
    """Restore the exclusions that the VPC CNI had."""
    record = run.world.record
    before = record.load(SNAT, SnatBefore.from_json)
    if before is None or run.world.api.get(AWS.path) is None:
        return
    run.world.guard()
    if before.configuration is not None:
        add_on.configure(run, before.configuration or add_on.NO_CONFIGURATION)
    else:
        run.world.api.apply(AWS.path, _applied(before.exclusions), force=True)
    rollout.await_roll_out(run, AWS)
    record.drop(SNAT)


def configured(configuration: str, networks: Iterable[str]) -> str:
    """The add-on's whole configuration, with these exclusions in it."""
    environment = dict(add_on.values(configuration).get("env") or {})
    return add_on.configured(configuration, env={**environment, aws_node.EXCLUSIONS: ",".join(networks)})


def _applied(networks: Sequence[str]) -> dict[str, Any]:
    variable = [{"name": aws_node.EXCLUSIONS, "value": ",".join(networks)}] if networks else []
    container = {"name": AWS.daemon_set, "env": variable}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": AWS.daemon_set, "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def _covers(networks: Iterable[str], peer: str) -> bool:
    wanted = ipaddress.IPv4Network(peer)
    return any(wanted.subnet_of(ipaddress.IPv4Network(network)) for network in networks)
