"""EC2 with AWS's restrictions that moto lacks: dependencies, limits, and states that take time.

`lab.cloud.server` calls `install` before the first request. From then on moto's EC2 consists of the lab's
subclasses: the backend (what exists), instances, NAT gateways, routes, peerings, transit gateways, and the
responses.

Not corrected: an instance stops and starts at once, an interface attaches at once, network ACLs are moto's
own, and account quotas are not checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import moto.ec2.models.instances
import moto.ec2.models.nat_gateways
import moto.ec2.models.route_tables
import moto.ec2.models.subnets
import moto.ec2.models.transit_gateway
import moto.ec2.models.vpc_peering_connections
import moto.ec2.urls
import moto.ec2.utils
from moto.core.exceptions import ServiceException
from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.subnets import Subnet

from lab.cloud import node_images
from lab.cloud.ec2.addresses import Interfaces, SubnetAddresses
from lab.cloud.ec2.dependencies import Dependencies
from lab.cloud.ec2.instance import LabInstance
from lab.cloud.ec2.nat_gateways import Gateways, LabNatGateway
from lab.cloud.ec2.peerings import LabPeering, Peerings
from lab.cloud.ec2.ranges import Ranges
from lab.cloud.ec2.responses import LabEC2Response
from lab.cloud.ec2.routes import LabRoute, Routes
from lab.cloud.ec2.tags import Tags
from lab.cloud.ec2.transit.gateways import LabTransitGateway, TransitGateways
from lab.cloud.ec2.transit.route_tables import TransitTables
from lab.cloud.ec2.zones import ZoneCapacity
from lab.cloud.extension import Extension
from lab.cloud.requests.faults import Faults
from lab.cloud.schedule import Schedule, Ticker
from lab.cloud.timing import Timing

if TYPE_CHECKING:
    from types import ModuleType

    from lab.cloud.extension import Parts

# Filters of DescribeInstances that AWS has and moto lacks, with the instance's attribute for each.
_MORE_INSTANCE_FILTERS = {
    "network-interface.addresses.private-ip-address": "all_private_addresses",
    "network-interface.network-interface-id": "interface_ids",
    "network-interface.vpc-id": "vpc_id",
    "network-interface.subnet-id": "subnet_id",
    "instance-lifecycle": "lifecycle",
}


class IncompatibleMotoError(RuntimeError):
    """The installed moto lacks a part that this module replaces: its version differs from the pinned one."""


class LabSubnet(Subnet):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's subnet; the interfaces in it determine which addresses are free."""

    def get_available_subnet_ip(self, instance: Any) -> str:  # noqa: ARG002  # moto's signature
        """Return the next free address, for the primary interface of an instance."""
        address: str = self.ec2_backend.free_addresses.take(self, 1)[0]
        return address

    def request_ip(self, ip: str, instance: Any) -> None:  # noqa: ARG002  # moto's signature
        """Reserve a requested address; refuse it when it is taken."""
        self.ec2_backend.free_addresses.claim(self, ip)

    def del_subnet_ip(self, ip: str) -> None:
        """Release nothing: an address is free when no interface has it."""


class Corrections(
    Dependencies, Interfaces, Gateways, Peerings, Ranges, Routes, Tags, TransitGateways, TransitTables
):
    """All differences of the backend from moto's, one module each."""


class LabEC2Backend(Corrections, EC2Backend):  # type: ignore[misc]
    """EC2's state in one region of one account."""

    __module__ = EC2Backend.__module__  # moto finds a backend's routes beside the module of its class
    timing = Timing()
    schedule = Schedule()
    zone_capacity = ZoneCapacity(schedule.clock)

    def __init__(self, region_name: str, account_id: str) -> None:
        self.free_addresses = SubnetAddresses(self)
        self._instances: dict[str, Any] = {}
        super().__init__(region_name, account_id)

    def run_instances(self, *args: Any, **kwargs: Any) -> Any:
        """Start instances, all of them or none, where their zone has capacity."""
        self._require_capacity(kwargs)
        known = set(self.reservations)
        try:
            return super().run_instances(*args, **kwargs)
        except ServiceException:
            for new in set(self.reservations) - known:
                for instance in self.reservations.pop(new).instances:
                    instance.undo_launch()
                    self._instances.pop(instance.id, None)
            raise

    def _require_capacity(self, launch: dict[str, Any]) -> None:
        if subnet := launch.get("subnet_id"):
            zone = self.get_subnet(subnet).availability_zone
            self.zone_capacity.require(zone, str(launch.get("instance_type")))

    def get_instance_by_id(self, instance_id: str) -> Any:
        """Return an instance or None, without moto's copy of every reservation: Auto Scaling asks often."""
        if instance_id not in self._instances:
            reservations = self.reservations.values()
            self._instances = {item.id: item for each in reservations for item in each.instances}
        return self._instances.get(instance_id)

    def get_instance(self, instance_id: str) -> Any:
        """Return an instance, or raise EC2's error."""
        found = self.get_instance_by_id(instance_id)
        if found is None:
            raise InvalidInstanceIdError(instance_id)
        return found

    def describe_images(self, *args: Any, **kwargs: Any) -> Any:
        """Return images; ids are looked up directly, since moto searches all images for each launch."""
        wanted = (kwargs.get("filters") or {}).get("image-id")
        if not args and set(kwargs) == {"filters"} and set(kwargs["filters"]) == {"image-id"}:
            ids = [wanted] if isinstance(wanted, str) else wanted or []
            return [self.amis[item] for item in ids if item in self.amis]
        return super().describe_images(*args, **kwargs)


def install(parts: Parts) -> Extension:
    """Replace moto's EC2 and start the thread that runs due actions."""
    use(parts.timing, Schedule())
    node_images.publish(parts.account, parts.region)
    faults = Faults(parts.directory / "faults.jsonl")
    ticker = Ticker("ec2-clock", 0.1, LabEC2Backend.schedule.run_due, faults.record).start()
    posts = {"zone-without-capacity": _take_capacity_away}
    return Extension(posts=posts, stop=ticker.stop)


def _take_capacity_away(request: dict[str, Any]) -> dict[str, Any]:
    LabEC2Backend.zone_capacity.take_away(str(request["zone"]), float(request["seconds"]))
    return {}


def use(timing: Timing, schedule: Schedule) -> None:
    """Replace moto's classes and reset its state; tests pass a schedule with their own clock."""
    LabEC2Backend.timing, LabEC2Backend.schedule = timing, schedule
    LabEC2Backend.zone_capacity = ZoneCapacity(schedule.clock)
    _replace(moto.ec2.models.instances, "Instance", LabInstance)
    _replace(moto.ec2.models.nat_gateways, "NatGateway", LabNatGateway)
    _replace(moto.ec2.models.route_tables, "Route", LabRoute)
    _replace(moto.ec2.models.subnets, "Subnet", LabSubnet)
    _replace(moto.ec2.models.vpc_peering_connections, "VPCPeeringConnection", LabPeering)
    _replace(moto.ec2.models.transit_gateway, "TransitGateway", LabTransitGateway)
    # A NAT gateway takes an address of its subnet, like any interface, not a random private one.
    moto.ec2.models.nat_gateways.random_private_ip = lambda: None
    moto.ec2.utils.filter_dict_attribute_mapping.update(_MORE_INSTANCE_FILTERS)
    moto.ec2.urls.url_paths["{0}/"] = LabEC2Response.dispatch
    ec2_backends.backend = LabEC2Backend
    ec2_backends.clear()


def _replace(module: ModuleType, name: str, ours: type) -> None:
    theirs = getattr(module, name, None)
    if theirs is not ours and theirs not in ours.__mro__:
        message = f"{module.__name__}.{name} is not the class that {ours.__name__} replaces"
        raise IncompatibleMotoError(message)
    setattr(module, name, ours)
