"""An availability zone without capacity: every launch in it fails with InsufficientInstanceCapacity."""

import httpx

from lab.environment import Cloud


def take_capacity_away(cloud: Cloud, zone: str, seconds: float) -> None:
    """Let launches in a zone fail for so many seconds from now."""
    _post(cloud, zone, seconds)


def give_capacity_back(cloud: Cloud, zone: str) -> None:
    """Let launches in a zone succeed again."""
    _post(cloud, zone, 0)


def _post(cloud: Cloud, zone: str, seconds: float) -> None:
    url = f"{cloud.url}/lab/zone-without-capacity"
    httpx.post(url, json={"zone": zone, "seconds": seconds}, trust_env=False).raise_for_status()
