"""Network interfaces for pods: `POST /lab/interfaces`, which the node player calls in place of a CNI.

On AWS, Cilium's operator or aws-node creates these interfaces in EC2. The node player emulates both and sends
its requests here, so that the interfaces exist in EC2 with the tags and descriptions of their owner. They are
created through EC2's HTTP API: EC2's limits and refusals apply, and the call log shows the calls.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
from botocore.exceptions import ClientError
from moto.ec2.models import ec2_backends
from moto.sts.models import sts_backends

from lab.cloud.ec2.addresses import network_limits
from lab.cloud.extension import Extension
from lab.cloud.identity.identities import PARTITION
from lab.cloud.schedule import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.cloud.extension import LabRequest, Parts


_YEARS = 10 * 365 * 24 * 3600


class InterfaceRefusedError(ValueError):
    """EC2 refused the request, or the request is invalid; the message says which."""


def install(parts: Parts) -> Extension:
    sessions = Sessions(parts.account, parts.directory / "cloud.json")
    return Extension(posts={"interfaces": Interfaces(sessions.ec2).attach})


class Sessions:
    """EC2 clients for this cloud, with the role of the instance that an interface is for."""

    def __init__(self, account: str, cloud_file: Path) -> None:
        self._account = account
        self._cloud_file = cloud_file
        self._clients: dict[tuple[str, str, str], Any] = {}

    def ec2(self, instance: str, owner: str) -> Any:
        """Return the client for the owner of interfaces on an instance."""
        region, role = self._region_and_role(instance)
        if (region, role, owner) not in self._clients:
            self._clients[region, role, owner] = self._create(region, role, owner)
        return self._clients[region, role, owner]

    def _region_and_role(self, instance: str) -> tuple[str, str]:
        """Return an instance's region and role."""
        with BACKENDS:
            for region, backend in tuple(ec2_backends[self._account].items()):
                if instance in backend.iam_instance_profile_associations:
                    profile = backend.iam_instance_profile_associations[instance].iam_instance_profile
                    return region, profile.roles[0].arn
        message = f"there is no instance {instance} with an instance profile"
        raise InterfaceRefusedError(message)

    def _create(self, region: str, role: str, owner: str) -> Any:
        session = sts_backends[self._account][PARTITION].assume_role(
            region_name=region,
            role_session_name=owner,
            role_arn=role,
            policy="",
            duration=_YEARS,
            external_id="",
        )
        known = boto3.session.Session(
            aws_access_key_id=session.access_key_id,
            aws_secret_access_key=session.secret_access_key,
            aws_session_token=session.session_token,
            region_name=region,
        )
        url = json.loads(self._cloud_file.read_text(encoding="utf-8"))["url"]
        once = botocore.config.Config(retries={"total_max_attempts": 1})
        return known.client("ec2", endpoint_url=url, config=once)


class Interfaces:
    """Creates, attaches and describes interfaces through EC2's API."""

    def __init__(self, connect: Callable[[str, str], Any]) -> None:
        self._connect = connect
        # Two attachments to one instance at the same time would take the same device index.
        self._one_at_a_time = threading.Lock()

    def attach(self, wanted: LabRequest) -> LabRequest:
        """Attach one more interface to an instance, filled with addresses for pods."""
        try:
            cluster, instance, owner = (wanted[name] for name in ("cluster", "instance", "owner"))
        except KeyError as error:
            message = f"the request lacks {error.args[0]!r}"
            raise InterfaceRefusedError(message) from error
        description(owner, instance)  # refuse an unknown owner before anything is created
        with self._one_at_a_time:
            try:
                where = Placement(tuple(wanted.get("subnetIds", ())), int(wanted.get("firstIndex", 0)))
                return _attach(self._connect(instance, owner), cluster, instance, owner, where)
            except ClientError as error:
                raise InterfaceRefusedError(str(error)) from error


@dataclass(frozen=True)
class Placement:
    """Where interfaces for pods are made, and which interfaces of an instance serve pods."""

    subnets: tuple[str, ...] = ()
    """Subnets that may hold them; that of the instance where empty."""
    first_index: int = 0
    """Number of the first interface that gives pods addresses."""


def _attach(ec2: Any, cluster: str, instance: str, owner: str, where: Placement) -> LabRequest:
    machine = _running(ec2, instance)
    primary = next(nic for nic in machine["NetworkInterfaces"] if nic["Attachment"]["DeviceIndex"] == 0)
    taken = {nic["Attachment"]["DeviceIndex"] for nic in machine["NetworkInterfaces"]}
    number = next(index for index in range(len(taken) + 1) if index not in taken)
    groups = [group["GroupId"] for group in primary["Groups"]]
    most, addresses = network_limits(machine["InstanceType"])
    free = addresses - len(primary["PrivateIpAddresses"])
    if len(taken) == most and free > 0 and where.first_index == 0:
        return _fill(ec2, primary, free, groups)
    created = ec2.create_network_interface(
        SubnetId=_subnet(ec2, machine, where.subnets),
        Groups=groups,
        Description=description(owner, instance),
        SecondaryPrivateIpAddressCount=addresses - 1,
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags(owner, cluster, instance)}],
    )["NetworkInterface"]
    _attach_to_instance(ec2, created["NetworkInterfaceId"], instance, number)
    return _shape(ec2, created, number, groups)


def _subnet(ec2: Any, machine: dict[str, Any], allowed: tuple[str, ...]) -> str:
    """Return the allowed subnet of the instance's zone with the most free addresses.

    Without one Cilium's operator takes the instance's own subnet (`findSuitableSubnet`, pkg/aws/eni/node.go).
    """
    zone, vpc = machine["Placement"]["AvailabilityZone"], machine["VpcId"]
    listed = ec2.describe_subnets(SubnetIds=list(allowed))["Subnets"] if allowed else []
    fitting = [item for item in listed if (item["AvailabilityZone"], item["VpcId"]) == (zone, vpc)]
    best = max(fitting, key=lambda item: item["AvailableIpAddressCount"], default=machine)
    return str(best["SubnetId"])


def _fill(ec2: Any, primary: dict[str, Any], free: int, groups: list[str]) -> LabRequest:
    """Fill the instance's primary interface with addresses for pods.

    Both CNIs use the primary interface first; here it is used last. Without it a node would have fewer
    addresses than the number of pods that EKS allows on it.
    """
    own = primary["NetworkInterfaceId"]
    ec2.assign_private_ip_addresses(NetworkInterfaceId=own, SecondaryPrivateIpAddressCount=free)
    filled = ec2.describe_network_interfaces(NetworkInterfaceIds=[own])["NetworkInterfaces"][0]
    return _shape(ec2, filled, 0, groups)


def _running(ec2: Any, instance: str) -> dict[str, Any]:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    if found["State"]["Name"] != "running":
        message = f"instance {instance} is {found['State']['Name']}, not running"
        raise InterfaceRefusedError(message)
    machine: dict[str, Any] = found
    return machine


def _attach_to_instance(ec2: Any, interface: str, instance: str, number: int) -> None:
    """Attach an interface so that it is deleted with its instance; delete it where the attachment fails."""
    try:
        attached = ec2.attach_network_interface(
            NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=number
        )
    except ClientError:
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        raise
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=interface,
        Attachment={"AttachmentId": attached["AttachmentId"], "DeleteOnTermination": True},
    )


def _shape(ec2: Any, created: dict[str, Any], number: int, groups: list[str]) -> LabRequest:
    subnet = ec2.describe_subnets(SubnetIds=[created["SubnetId"]])["Subnets"][0]
    listed = [item["PrivateIpAddress"] for item in created["PrivateIpAddresses"]]
    return {
        "interfaceId": created["NetworkInterfaceId"],
        "mac": created["MacAddress"],
        "subnetId": created["SubnetId"],
        "subnetCidr": subnet["CidrBlock"],
        "primaryIp": created["PrivateIpAddress"],
        "addresses": [address for address in listed if address != created["PrivateIpAddress"]],
        "number": number,
        "securityGroups": groups,
    }


def description(owner: str, instance: str) -> str:
    """Return the description that the owner of an interface writes."""
    if owner == "cilium":
        return f"Cilium-CNI ({instance})"
    if owner == "aws-node":
        return f"aws-K8S-{instance}"
    message = f"unknown owner of interfaces {owner!r}; known are 'cilium' and 'aws-node'"
    raise InterfaceRefusedError(message)


def tags(owner: str, cluster: str, instance: str) -> list[dict[str, str]]:
    """Return the tags by which the owner of an interface finds it again to clean it up."""
    if owner == "cilium":
        wanted = {"io.cilium/cilium-managed": "true", "io.cilium/cluster-name": cluster}
    else:
        wanted = {
            "cluster.k8s.amazonaws.com/name": cluster,
            "node.k8s.amazonaws.com/instance_id": instance,
            "node.k8s.amazonaws.com/createdAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eks:eni:owner": "amazon-vpc-cni",
        }
    return [{"Key": key, "Value": value} for key, value in wanted.items()]
