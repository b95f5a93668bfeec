"""Which availability zones a VPC uses when the configuration gives only their number."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws


def first_zones(count: int, provider: aws.Provider) -> list[str]:
    """The first zones of the region by name, without the local and wavelength zones one has to opt in to."""
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
