"""Availability zones that have no instances left for some time, as `InsufficientInstanceCapacity` says.

Every launch passes through it, also those of Auto Scaling groups. `lab.disturbances.zones` takes the capacity
away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.ec2.errors import refusal

if TYPE_CHECKING:
    from collections.abc import Callable


class ZoneCapacity:
    """Which zones refuse launches, and until when. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._empty_until: dict[str, float] = {}

    def take_away(self, zone: str, seconds: float) -> None:
        """Refuse launches in a zone for so many seconds from now; zero gives the capacity back."""
        self._empty_until[zone] = self._clock() + seconds

    def require(self, zone: str, instance_type: str) -> None:
        """Refuse a launch in a zone without capacity, in EC2's words.

        Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html, "Insufficient
        instance capacity".
        """
        if self._clock() < self._empty_until.get(zone, 0.0):
            message = (
                f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you "
                f"requested ({zone}). Our system will be working on provisioning additional capacity."
            )
            raise refusal("InsufficientInstanceCapacity", message)
