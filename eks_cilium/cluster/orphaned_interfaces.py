"""Network interfaces that Cilium made and nobody uses any more.

An interface goes with its instance, except when the operator was stopped between making and attaching it,
or when an instance died while detaching. Such a one is *available* and keeps its subnet and security group
alive.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from eks_cilium.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


MANAGED_TAG = "io.cilium/cilium-managed"
OWNER_TAG = "io.cilium/cluster-name"

_GONE = "InvalidNetworkInterfaceID.NotFound"
_IN_USE = "InvalidNetworkInterface.InUse"
_QUIET_READINGS = 2
_PAUSE_SECONDS = 5.0
_MOST_READINGS = 60


class Ec2(Protocol):
    """What the sweep needs of boto3's EC2 client."""

    def get_paginator(self, operation_name: str, /) -> Any:
        """A paginator for an operation."""

    def delete_network_interface(self, *, NetworkInterfaceId: str) -> Any:  # noqa: N803 - boto3's spelling
        """Delete one interface."""


def sweep(
    client: Ec2,
    *,
    vpc_id: str,
    cluster_name: str,
    tag_key: str,
    report: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Delete Cilium's interfaces of one cluster; returns their ids.

    Looks again while interfaces are still detaching from instances that are going away, and until nothing new
    shows up, for at most five minutes.
    """
    deleted: list[str] = []
    quiet = 0
    for _ in range(_MOST_READINGS):
        left = [
            interface
            for interface in _interfaces(client, vpc_id)
            if belongs(_tags(interface), cluster_name=cluster_name, tag_key=tag_key)
        ]
        for interface in left:
            if interface["Status"] == "available" and _delete(client, interface["NetworkInterfaceId"]):
                deleted.append(interface["NetworkInterfaceId"])
                report(f"deleted the detached interface {interface['NetworkInterfaceId']}")
        quiet = 0 if left else quiet + 1
        if quiet >= _QUIET_READINGS:
            break
        if left:
            report(f"interfaces of {cluster_name} still there: {len(left)}")
        sleep(_PAUSE_SECONDS)
    return deleted


def belongs(tags: Mapping[str, str], *, cluster_name: str, tag_key: str) -> bool:
    """Whether an interface is one that Cilium made for this cluster.

    Its own tags say so from 1.13 on; `tag_key` is what this program has Cilium write with every version.
    Interfaces that came with an instance carry the instance's tags only through the launch template, and
    leave with it.
    """
    if tags.get(MANAGED_TAG) == "true":
        return tags.get(OWNER_TAG) == cluster_name
    return tags.get(tag_key) == cluster_name


def _interfaces(client: Ec2, vpc_id: str) -> Iterable[Any]:
    pages = client.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )
    for page in pages:
        yield from page["NetworkInterfaces"]


def _tags(interface: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in interface.get("TagSet", ())}


def _delete(client: Ec2, interface_id: str) -> bool:
    """Delete one interface; False when somebody else was faster, or it is in use after all."""
    try:
        client.delete_network_interface(NetworkInterfaceId=interface_id)
    except AwsError as error:
        if error.code in (_GONE, _IN_USE):
            return False
        raise
    return True
