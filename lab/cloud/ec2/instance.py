"""An EC2 instance with AWS's states: pending before running, shutting-down before terminated.

While it shuts down, an instance keeps its interfaces, so that security groups and subnets stay in use. When
it has terminated, the interfaces marked DeleteOnTermination are deleted, the others are detached, and its
addresses disappear from its description. moto does all or none of this in the one call.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, InstanceState

from lab.cloud.ec2.errors import refusal

PENDING = ("pending", 0)
RUNNING = ("running", 16)
SHUTTING_DOWN = ("shutting-down", 32)
TERMINATED = ("terminated", 48)


class LabInstance(Instance):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's instance, with state changes that take time."""

    nics: dict[int, Any]
    security_groups: list[Any]

    def __init__(self, ec2_backend: Any, *args: Any, **kwargs: Any) -> None:
        if (instance_type := kwargs.get("instance_type")) not in INSTANCE_TYPES:
            raise refusal("InvalidParameterValue", f"Invalid value '{instance_type}' for InstanceType.")
        super().__init__(ec2_backend, *args, **kwargs)
        self._mark_own_interfaces(kwargs.get("nics") or [])
        self._become(PENDING)
        ec2_backend.schedule.after(ec2_backend.timing.instance_pending, self._run)

    def terminate(self) -> InstanceState:
        """Start to shut down; a second call changes nothing, as on AWS."""
        if self._state.name in ("shutting-down", "terminated"):
            return copy.copy(self._state)
        # moto would delete the interfaces now; on AWS they exist until the instance has terminated.
        interfaces, self.nics = self.nics, {}
        previous = super().terminate()
        self.nics = interfaces
        self._become(SHUTTING_DOWN)
        self.ec2_backend.schedule.after(self.ec2_backend.timing.instance_shutting_down, self._end)
        return previous

    def undo_launch(self) -> None:
        """Undo the launch of an instance when another part of the launch failed."""
        self._end()

    def attach_eni(self, eni: Any, device_index: int) -> str:
        """Attach an interface at a free device index."""
        if int(device_index) in self.nics:
            message = (
                f"Instance '{self.id}' already has an interface attached at device index '{device_index}'."
            )
            raise refusal("InvalidParameterValue", message)
        attachment: str = super().attach_eni(eni, device_index)
        return attachment

    @property
    def private_ip(self) -> str | None:
        """Return the primary private address, None after termination."""
        return self.nics[0].private_ip_address if 0 in self.nics else None

    @property
    def private_ip_address(self) -> str | None:
        """Return `private_ip` under the name that the response template uses."""
        return self.private_ip

    @property
    def private_dns_name(self) -> str:
        """Return the host name; a terminated instance has none."""
        return super().private_dns_name if self.private_ip else ""

    @property
    def public_ip(self) -> str | None:
        """Return the public address of the primary interface."""
        return self.nics[0].public_ip if 0 in self.nics else None

    @property
    def public_ip_address(self) -> str | None:
        """Return `public_ip` under the name that the response template uses."""
        return self.public_ip

    @property
    def all_private_addresses(self) -> list[str]:
        """Return every private address of every interface, for the filter of that name."""
        return [item["PrivateIpAddress"] for nic in self.nics.values() for item in nic.private_ip_addresses]

    @property
    def interface_ids(self) -> list[str]:
        """Return the ids of the interfaces, for the filter of that name."""
        return [nic.id for nic in self.nics.values()]

    def _mark_own_interfaces(self, requested: list[dict[str, Any]]) -> None:
        """Mark interfaces of the launch for deletion with the instance, unless the launch said otherwise."""
        by_index = {int(item.get("DeviceIndex", 0)): item for item in requested}
        for index, nic in self.nics.items():
            wish = by_index.get(index, {})
            if "NetworkInterfaceId" not in wish:
                nic.delete_on_termination = wish.get("DeleteOnTermination", True) is not False

    def _become(self, state: tuple[str, int]) -> None:
        self._state = InstanceState(*state)

    def _run(self) -> None:
        if self._state.name == "pending":
            self._become(RUNNING)

    def _end(self) -> None:
        left_behind = self.ec2_backend.timing.leaked_interfaces
        for index, nic in sorted(self.nics.items()):
            self.detach_eni(nic)
            if index > 0 and left_behind > 0:
                left_behind -= 1
            elif nic.delete_on_termination:
                self.ec2_backend.delete_network_interface(nic.id)
        self.nics = {}
        self._subnet_id = None
        self.security_groups = []
        self._become(TERMINATED)
