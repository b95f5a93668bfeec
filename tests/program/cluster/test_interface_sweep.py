"""Which interfaces the sweep deletes, and how often it reads them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from eks_cilium.clients.aws_errors import translation
from eks_cilium.cluster.orphaned_interfaces import belongs, sweep
from eks_cilium.errors import AwsRefusedError

pytestmark = pytest.mark.unit

CILIUM = {"io.cilium/cilium-managed": "true", "io.cilium/cluster-name": "dev"}
OURS = {"eks-cilium/cluster": "dev"}


def interface(name: str, tags: dict[str, str], status: str = "available") -> dict[str, Any]:
    return {
        "NetworkInterfaceId": name,
        "Status": status,
        "TagSet": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


class FakeEc2:
    """Interfaces, some of which change from one reading to the next."""

    def __init__(self, *interfaces: dict[str, Any]) -> None:
        self.interfaces = list(interfaces)
        self.refusals: dict[str, str] = {}
        self.looks = 0
        self.filters: Any = None

    def get_paginator(self, operation_name: str) -> "FakeEc2":
        assert operation_name == "describe_network_interfaces"
        return self

    def paginate(self, Filters: Any, PaginationConfig: Any) -> list[dict[str, Any]]:  # noqa: N803 - boto3's spelling
        assert PaginationConfig == {"PageSize": 1_000}
        self.looks += 1
        self.filters = Filters
        return [{"NetworkInterfaces": [interface]} for interface in self.interfaces]

    def delete_network_interface(self, *, NetworkInterfaceId: str) -> None:  # noqa: N803 - boto3's spelling
        code = self.refusals.pop(NetworkInterfaceId, None)
        if code:
            refusal = ClientError({"Error": {"Code": code, "Message": ""}}, "DeleteNetworkInterface")
            raise translation(refusal, "ec2:DeleteNetworkInterface")
        self.interfaces = [
            interface
            for interface in self.interfaces
            if interface["NetworkInterfaceId"] != NetworkInterfaceId
        ]


def run(cloud: FakeEc2, sleep: Any = lambda _: None) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    deleted = sweep(
        cloud,
        vpc_id="vpc-1",
        cluster_name="dev",
        tag_key="eks-cilium/cluster",
        report=lines.append,
        sleep=sleep,
    )
    return deleted, lines


def test_detached_interfaces_of_this_cluster_are_deleted_and_others_stay():
    cloud = FakeEc2(
        interface("eni-1", CILIUM),
        interface("eni-2", OURS),
        interface("eni-other-cluster", {**CILIUM, "io.cilium/cluster-name": "prod"}),
        interface("eni-not-ours", {"Name": "something"}),
    )

    deleted, _ = run(cloud)

    assert deleted == ["eni-1", "eni-2"]
    assert [interface["NetworkInterfaceId"] for interface in cloud.interfaces] == [
        "eni-other-cluster",
        "eni-not-ours",
    ]
    assert cloud.filters == [{"Name": "vpc-id", "Values": ["vpc-1"]}]


def test_an_interface_that_is_still_attached_is_waited_for():
    cloud = FakeEc2(interface("eni-1", CILIUM, "in-use"))

    def detach(_: float) -> None:
        if cloud.looks == 3:
            cloud.interfaces = [interface("eni-1", CILIUM)]

    deleted, lines = run(cloud, detach)

    assert deleted == ["eni-1"]
    assert lines[0] == "interfaces of dev not deleted yet: 1"


def test_an_interface_that_was_deleted_meanwhile_is_no_error():
    cloud = FakeEc2(interface("eni-1", CILIUM))
    cloud.refusals["eni-1"] = "InvalidNetworkInterfaceID.NotFound"

    deleted, _ = run(cloud)

    assert deleted == ["eni-1"]


def test_a_permission_error_is_not_hidden():
    cloud = FakeEc2(interface("eni-1", CILIUM))
    cloud.refusals["eni-1"] = "UnauthorizedOperation"

    with pytest.raises(AwsRefusedError, match="UnauthorizedOperation"):
        run(cloud)


def test_the_number_of_readings_is_limited():
    cloud = FakeEc2(interface("eni-1", CILIUM, "in-use"))
    slept: list[float] = []

    deleted, _ = run(cloud, slept.append)

    assert deleted == []
    assert sum(slept) == 300


def test_without_interfaces_there_are_two_readings():
    cloud = FakeEc2()

    assert run(cloud)[0] == []
    assert cloud.looks == 2


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        (CILIUM, True),
        (OURS, True),
        ({**CILIUM, "io.cilium/cluster-name": "prod", **OURS}, False),
        ({"io.cilium/cluster-name": "dev"}, False),
        ({}, False),
    ],
)
def test_tags_decide_which_cluster_an_interface_belongs_to(tags: dict[str, str], ours: bool):
    assert belongs(tags, cluster_name="dev", tag_key="eks-cilium/cluster") is ours
