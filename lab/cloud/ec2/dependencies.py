"""AWS's refusals to delete resources that are still used, which moto deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.ec2.errors import dependency_violation, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator


def rules_naming(backend: Any, group_id: str) -> Iterator[Any]:
    """Yield the other security groups that have a rule which names this one."""
    for groups in backend.groups.values():
        for group in groups.values():
            rules = [*group.ingress_rules, *group.egress_rules]
            if group.id != group_id and any(_names(rule, group_id) for rule in rules):
                yield group


def _names(rule: Any, group_id: str) -> bool:
    return bool(rule.source_group.get("GroupId") == group_id)


class Dependencies:
    """Refusals of deletes in the EC2 backend, mixed in before moto's own methods."""

    enis: dict[str, Any]

    def delete_security_group(self, name: str | None = None, group_id: str | None = None) -> None:
        """Delete a group that no interface has and no other group's rule names."""
        used = any(group.id == group_id for eni in self.enis.values() for group in eni.group_set)
        if group_id and (used or next(rules_naming(self, group_id), None)):
            raise refusal("DependencyViolation", f"resource {group_id} has a dependent object")
        super().delete_security_group(name, group_id)  # type: ignore[misc]  # moto's half of this class

    def delete_subnet(self, subnet_id: str) -> Any:
        """Delete a subnet without interfaces, and its associations with route tables."""
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
            raise dependency_violation("subnet", subnet_id)
        for table in self.route_tables.values():  # type: ignore[attr-defined]
            removed = [key for key, subnet in table._associations.items() if subnet == subnet_id]
            for key in removed:
                del table._associations[key]
        return super().delete_subnet(subnet_id)  # type: ignore[misc]

    def delete_vpc(self, vpc_id: str) -> Any:
        """Delete a VPC that contains only what AWS created with it."""
        self.get_vpc(vpc_id)  # type: ignore[attr-defined]
        if next(self._contents(vpc_id), None):
            raise dependency_violation("vpc", vpc_id)
        return super().delete_vpc(vpc_id)  # type: ignore[misc]

    def _contents(self, vpc_id: str) -> Iterator[str]:
        """Yield what blocks the deletion of a VPC, beyond what moto checks."""
        own = self.groups.get(vpc_id, {}).values()  # type: ignore[attr-defined]
        yield from (group.id for group in own if not group.is_default)
        gateways = self.internet_gateways.values()  # type: ignore[attr-defined]
        yield from (gateway.id for gateway in gateways if gateway.vpc and gateway.vpc.id == vpc_id)
        endpoints = self.vpc_end_points.values()  # type: ignore[attr-defined]
        yield from (endpoint.id for endpoint in endpoints if endpoint.vpc_id == vpc_id)
        peerings = self.vpc_pcxs.values()  # type: ignore[attr-defined]
        yield from (
            p.id for p in peerings if p._status.code == "active" and vpc_id in (p.vpc.id, p.peer_vpc.id)
        )
        attachments = self.transit_gateway_attachments.values()  # type: ignore[attr-defined]
        yield from (a.id for a in attachments if a.resource_id == vpc_id and a.state != "deleted")

    def detach_internet_gateway(self, internet_gateway_id: str, vpc_id: str) -> None:
        """Detach a gateway when no interface of the VPC has a public address."""
        if any(eni.public_ip for eni in self.enis.values() if eni.vpc_id == vpc_id):
            message = (
                f"Network {vpc_id} has some mapped public address(es). "
                "Please unmap those public address(es) before detaching the gateway."
            )
            raise refusal("DependencyViolation", message)
        super().detach_internet_gateway(internet_gateway_id, vpc_id)  # type: ignore[misc]

    def delete_internet_gateway(self, internet_gateway_id: str) -> None:
        """Delete a gateway that is attached to no VPC."""
        if self.get_internet_gateway(internet_gateway_id).vpc:  # type: ignore[attr-defined]
            raise dependency_violation("internetGateway", internet_gateway_id)
        super().delete_internet_gateway(internet_gateway_id)  # type: ignore[misc]

    def release_address(self, address: str | None = None, allocation_id: str | None = None) -> None:
        """Release an elastic address without associations."""
        found = self.describe_addresses(  # type: ignore[attr-defined]
            allocation_ids=[allocation_id] if allocation_id else None,
            public_ips=[address] if address else None,
        )
        for item in found:
            if item.association_id or item.eni:
                raise refusal("InvalidIPAddress.InUse", f"Address {item.public_ip} is in use.")
        super().release_address(address, allocation_id)  # type: ignore[misc]
