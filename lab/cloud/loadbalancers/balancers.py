"""Load balancers in moto's two backends: with names, interfaces, and state changes that take time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeLoadBalancer
from moto.moto_api._internal import mock_random

if TYPE_CHECKING:
    from collections.abc import Iterable

# The zone of the names of a region's Network Load Balancers; Route 53 has one per region.
_ZONE_OF_NAMES = "Z3F0SRJ5LGBH90"
_KINDS = {"network": "net", "application": "app"}


class LabBalancer(FakeLoadBalancer):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's load balancer, with interfaces and state changes that take time."""

    interfaces: list[Any]

    def activate(self) -> None:
        """Ignore moto's call, which would activate the load balancer when it is described."""

    def open(self) -> None:
        """Mark the load balancer as active."""
        self.state = "active"


def create_interfaces(ec2: Any, subnets: Iterable[Any], description: str, groups: list[str]) -> list[Any]:
    """Create an interface with an address in each subnet."""
    created = []
    for subnet in subnets:
        eni = ec2.create_network_interface(subnet, None, group_ids=groups)
        eni.interface_type, eni.requester_managed = "network_load_balancer", True
        eni.status, eni.description = "in-use", description
        if not groups:
            eni._group_set = []  # moto assigns the default group of the VPC
        created.append(eni)
    return created


def delete_interfaces(interfaces: Iterable[Any]) -> None:
    """Delete the interfaces of a load balancer."""
    for eni in interfaces:
        eni.status = "available"
        if eni.id in eni.ec2_backend.enis:
            eni.ec2_backend.delete_network_interface(eni.id)


class Balancers:
    """Network and Application Load Balancers, mixed in before moto's own methods."""

    seconds = 1.0
    load_balancers: dict[str, Any]
    target_groups: dict[str, Any]
    region_name: str
    account_id: str

    def create_load_balancer(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Create a load balancer, which becomes active later."""
        created = super().create_load_balancer(name, *args, **kwargs)  # type: ignore[misc]  # moto's half
        ec2 = ec2_backends[self.account_id][self.region_name]
        identity = created.arn.rpartition("/")[2]
        if created.type == "network":
            created.dns_name = f"{name}-{identity}.elb.{self.region_name}.amazonaws.com"
            created.canonical_hosted_zone_id = _ZONE_OF_NAMES
        description = f"ELB {_KINDS.get(created.type, created.type)}/{name}/{identity}"
        created.interfaces = create_interfaces(
            ec2, created.subnets, description, list(created.security_groups or ())
        )
        ec2.schedule.after(self.seconds, created.open)
        return created

    def delete_load_balancer(self, arn: str) -> None:
        """Delete a load balancer with its interfaces, and release its target groups."""
        removed = self.load_balancers.get(arn)
        if removed is not None:
            delete_interfaces(removed.interfaces)
            for group in self.target_groups.values():
                group.load_balancer_arns = [each for each in group.load_balancer_arns if each != arn]
        super().delete_load_balancer(arn)  # type: ignore[misc]


class ClassicBalancers:
    """Classic Load Balancers, mixed in before moto's own methods."""

    account_id: str
    region_name: str
    load_balancers: dict[str, Any]

    def create_load_balancer(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Create a load balancer, which is active at once."""
        created = super().create_load_balancer(name, *args, **kwargs)  # type: ignore[misc]
        number = int(mock_random.get_random_hex(8), 16)
        prefix = "internal-" if created.scheme == "internal" else ""
        created.dns_name = f"{prefix}{name}-{number}.{self.region_name}.elb.amazonaws.com"
        ec2 = ec2_backends[self.account_id][self.region_name]
        subnets = [ec2.get_subnet(subnet) for subnet in created.subnets]
        created.interfaces = create_interfaces(
            ec2, subnets, f"ELB {name}", list(created.security_groups or ())
        )
        return created

    def delete_load_balancer(self, load_balancer_name: str) -> None:
        """Delete a load balancer with its interfaces."""
        removed = self.load_balancers.get(load_balancer_name)
        if removed is not None:
            delete_interfaces(removed.interfaces)
        super().delete_load_balancer(load_balancer_name)  # type: ignore[misc]
