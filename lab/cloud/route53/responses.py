"""Route 53's API: one call at a time, with the operations that moto lacks."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.route53.responses import Route53

from lab.cloud.schedule import BACKENDS


class LabRoute53(Route53):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's Route 53 responses, one call at a time, with authorizations."""

    def call_action(self) -> Any:
        """Serve one call while nothing else changes the cloud."""
        with BACKENDS:
            return super().call_action()

    def create_vpc_association_authorization(self) -> ActionResult:
        """Authorize the association of another account's VPC."""
        zone, vpc = self._authorization()
        self.backend.authorize_vpc(zone, vpc)
        return ActionResult({"HostedZoneId": zone, "VPC": vpc})

    def list_vpc_association_authorizations(self) -> ActionResult:
        """List the VPCs that are authorized."""
        zone = self._get_param("HostedZoneId")
        return ActionResult({"HostedZoneId": zone, "VPCs": self.backend.authorizations(zone)})

    def delete_vpc_association_authorization(self) -> ActionResult:
        """Delete the authorization of a VPC."""
        self.backend.deauthorize_vpc(*self._authorization())
        return EmptyResult()

    def _authorization(self) -> tuple[str, dict[str, str]]:
        vpc = {"VPCRegion": self._get_param("VPC.VPCRegion"), "VPCId": self._get_param("VPC.VPCId")}
        return self._get_param("HostedZoneId"), vpc
