"""NAT gateways with AWS's states.

A NAT gateway is pending before it is available, and keeps its interface and elastic address until it is
deleted.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.nat_gateways import NatGateway

from lab.cloud.ec2.errors import refusal


class LabNatGateway(NatGateway):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's NAT gateway, with state changes that take time."""

    def __init__(self, backend: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(backend, *args, **kwargs)
        self.private_ip = self._eni.private_ip_address
        self._eni.interface_type = "nat_gateway"
        self._eni.requester_managed = True
        self._eni.status = "in-use"
        self._eni.description = f"Interface for NAT Gateway {self.id}"
        self.state = "pending"
        backend.schedule.after(backend.timing.nat_gateway_pending, self._open)

    def begin_delete(self) -> None:
        """Start the deletion; interface and elastic address are free when it has finished."""
        if self.state in ("deleting", "deleted"):
            return
        self.state = "deleting"
        self.ec2_backend.schedule.after(self.ec2_backend.timing.nat_gateway_deleting, self._end)

    def _open(self) -> None:
        if self.state == "pending":
            self.state = "available"

    def _end(self) -> None:
        for address in self.ec2_backend.addresses_of_interface(self._eni.id):
            self.ec2_backend.disassociate_address(association_id=address.association_id)
        self._eni.status = "available"
        self.ec2_backend.delete_network_interface(self._eni.id)
        self.state = "deleted"


class Gateways:
    """NAT gateways in the EC2 backend, mixed in before moto's own methods."""

    nat_gateways: dict[str, Any]

    def addresses_of_interface(self, eni_id: str) -> list[Any]:
        """Return the elastic addresses associated with an interface."""
        found = self.describe_addresses()  # type: ignore[attr-defined]  # moto's half of this class
        return [address for address in found if address.eni is not None and address.eni.id == eni_id]

    def delete_nat_gateway(self, nat_gateway_id: str) -> Any:
        """Start to delete a NAT gateway."""
        gateway = self.nat_gateways.get(nat_gateway_id)
        if gateway is None:
            raise refusal("NatGatewayNotFound", f"NatGateway {nat_gateway_id} was not found")
        gateway.begin_delete()
        return gateway

    def describe_nat_gateways(self, filters: Any, nat_gateway_ids: list[str] | None) -> list[Any]:
        """Describe NAT gateways with tag filters; refuse unknown ids."""
        if unknown := sorted(set(nat_gateway_ids or []) - set(self.nat_gateways)):
            raise refusal("NatGatewayNotFound", f"NatGateway {unknown[0]} was not found")
        return [g for g in super().describe_nat_gateways(filters, nat_gateway_ids) if _has_tags(g, filters)]  # type: ignore[misc]


def _has_tags(resource: Any, filters: dict[str, list[str]] | None) -> bool:
    tags = {tag["key"]: tag["value"] for tag in resource.get_tags()}
    wanted = {name[4:]: values for name, values in (filters or {}).items() if name.startswith("tag:")}
    return all(tags.get(key) in values for key, values in wanted.items())
