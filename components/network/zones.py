"""The availability zones of a VPC where the configuration gives only their number."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws


def first_zones(count: int, provider: aws.Provider) -> list[str]:
    """The first `count` zones of the provider's region, by name.

    Zones that an account has to opt in to are left out: they are Local Zones and Wavelength Zones. Raises
    `pulumi.RunError` where the region has too few zones.
    """
    found = aws.get_availability_zones(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=pulumi.InvokeOptions(provider=provider),
    )
    if len(found.names) < count:
        raise pulumi.RunError(
            f"the region has {len(found.names)} availability zones, network.zones wants {count}"
        )
    return sorted(found.names)[:count]
