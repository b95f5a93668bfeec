"""Deletes network interfaces that Cilium created and that no instance uses any more.

AWS deletes an interface with its instance, but not when Cilium's operator was stopped between creating and
attaching it, or when the instance terminated while the interface was detaching. Such an interface stays
*available*, and neither its subnet nor its security group can be deleted. Called when a stack with Cilium is
destroyed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from eks_cilium.clients.ec2 import IN_PAGES
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
    """The part of boto3's EC2 client that the sweep needs."""

    def get_paginator(self, operation_name: str, /) -> Any:
        """A paginator for an operation of the API."""

    def delete_network_interface(self, *, NetworkInterfaceId: str) -> Any:  # noqa: N803 - boto3's spelling
        """Delete one interface by its id."""


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

    Reads them again while some are still detaching from terminating instances, and until two readings in a
    row find none, for at most five minutes.
    """
    deleted: list[str] = []
    quiet = 0
    for _ in range(_MOST_READINGS):
        remaining = [
            interface
            for interface in _interfaces(client, vpc_id)
            if belongs(_tags(interface), cluster_name=cluster_name, tag_key=tag_key)
        ]
        for interface in remaining:
            if interface["Status"] == "available" and _delete(client, interface["NetworkInterfaceId"]):
                deleted.append(interface["NetworkInterfaceId"])
                report(f"deleted the detached interface {interface['NetworkInterfaceId']}")
        quiet = 0 if remaining else quiet + 1
        if quiet >= _QUIET_READINGS:
            break
        if remaining:
            report(f"interfaces of {cluster_name} not deleted yet: {len(remaining)}")
        sleep(_PAUSE_SECONDS)
    return deleted


def belongs(tags: Mapping[str, str], *, cluster_name: str, tag_key: str) -> bool:
    """Whether Cilium created an interface for this cluster.

    From 1.13 on Cilium's own tags say so; `tag_key` is a tag that the Helm values add with every version.
    Primary interfaces get tags of the instance only through a launch template, and are deleted with it.
    """
    if tags.get(MANAGED_TAG) == "true":
        return tags.get(OWNER_TAG) == cluster_name
    return tags.get(tag_key) == cluster_name


def _interfaces(client: Ec2, vpc_id: str) -> Iterable[Any]:
    pages = client.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}], PaginationConfig=IN_PAGES
    )
    for page in pages:
        yield from page["NetworkInterfaces"]


def _tags(interface: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in interface.get("TagSet", ())}


def _delete(client: Ec2, interface_id: str) -> bool:
    """Delete one interface; False when it does not exist any more, or is in use again."""
    try:
        client.delete_network_interface(NetworkInterfaceId=interface_id)
    except AwsError as error:
        if error.code in (_GONE, _IN_USE):
            return False
        raise
    return True
