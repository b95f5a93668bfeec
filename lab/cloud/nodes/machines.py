"""EC2's instances, as far as they are or should be nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.cloud.ec2.addresses import network_limits
from lab.cloud.schedule import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWNED = "kubernetes.io/cluster/"


@dataclass(frozen=True)
class Hardware:
    """The hardware of an instance type."""

    type: str
    architecture: str
    cpus: int
    memory_mib: int
    pods: int


@dataclass(frozen=True)
class Machine:
    """An instance that belongs to a cluster."""

    id: str
    state: str
    cluster: str
    nodegroup: str | None
    host: str
    address: str
    zone: str
    zone_id: str
    region: str
    image: str
    template: str
    template_version: str
    hardware: Hardware

    @property
    def runs(self) -> bool:
        """Return whether a kubelet can run on it."""
        return self.state == "running"

    @property
    def over(self) -> bool:
        """Return whether it will never run again."""
        return self.state in ("shutting-down", "terminated")


def every_machine(account: str) -> list[Machine]:
    """Return the instances of all regions that have a cluster's tags."""
    return [machine for region in tuple(ec2_backends[account]) for machine in machines_of(account, region)]


def machines_of(account: str, region: str) -> list[Machine]:
    """Return the instances of a region that have a cluster's tags."""
    with BACKENDS:
        backend = ec2_backends[account][region]
        found = [(instance, _tags(backend, instance)) for instance in backend.all_instances()]
        zones = {zone.name: zone.zone_id for zone in backend.zones.get(region, [])}
        return [
            _machine(instance, tags, cluster, zones, region)
            for instance, tags in found
            if (cluster := cluster_of(tags)) is not None
        ]


def cluster_of(tags: Mapping[str, str]) -> str | None:
    """Return the cluster that an instance's tags name: by EKS's own tag, or by the common one."""
    if "eks:cluster-name" in tags:
        return tags["eks:cluster-name"]
    owned = (key for key, value in tags.items() if key.startswith(_OWNED) and value == "owned")
    return next((key.removeprefix(_OWNED) for key in owned), None)


def hardware_of(instance_type: str) -> Hardware:
    """Return the hardware of an instance type; the number of pods follows from its addresses, as on EKS."""
    facts = INSTANCE_TYPES[instance_type]
    interfaces, addresses = network_limits(instance_type)
    architecture = "arm64" if "arm64" in facts["ProcessorInfo"]["SupportedArchitectures"] else "amd64"
    pods = interfaces * (addresses - 1) + 2
    cpus, memory = int(facts["VCpuInfo"]["DefaultVCpus"]), int(facts["MemoryInfo"]["SizeInMiB"])
    return Hardware(instance_type, architecture, cpus, memory, pods)


def _tags(backend: Any, instance: Any) -> dict[str, str]:
    return dict(backend.tags.get(instance.id, {}))


def _machine(
    instance: Any, tags: Mapping[str, str], cluster: str, zones: Mapping[str, str], region: str
) -> Machine:
    zone = instance.availability_zone
    return Machine(
        id=instance.id,
        state=instance.state,
        cluster=cluster,
        nodegroup=tags.get("eks:nodegroup-name"),
        host=instance.private_dns_name,
        address=instance.private_ip or "",
        zone=zone,
        zone_id=zones.get(zone, ""),
        region=region,
        image=instance.image_id or "",
        template=tags.get("aws:ec2launchtemplate:id", ""),
        template_version=tags.get("aws:ec2launchtemplate:version", ""),
        hardware=hardware_of(instance.instance_type),
    )
