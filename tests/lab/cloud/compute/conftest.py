"""The lab's EC2 and Auto Scaling behind a real HTTP server, with a clock that the test advances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from lab.cloud import autoscaling, ec2, loadbalancers, route53
from lab.cloud.schedule import Schedule
from lab.cloud.timing import Timing

REGION = "us-east-1"
TIMING = Timing(
    instance_pending=10,
    instance_shutting_down=20,
    nat_gateway_pending=5,
    nat_gateway_deleting=5,
    transit_gateway_change=5,
    load_balancer_provisioning=5,
    asg_launch=15,
    asg_terminating=10,
    asg_poll=1,
)


@cache
def client_of(url: str, service: str) -> Any:
    """Return a cached client of the server: creating one takes longer than most tests."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="example",
        config=Config(retries={"total_max_attempts": 1}),
    )


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Cloud:
    """The parts of the cloud that tests use."""

    url: str
    clock: Clock
    regions: autoscaling.Regions

    def client(self, service: str) -> Any:
        return client_of(self.url, service)

    def pass_time(self, seconds: float) -> None:
        """Advance the clock in small steps, so that due actions can schedule further ones."""
        for _ in range(round(seconds)):
            self.clock.now += 1
            self.regions.tick()


@pytest.fixture(scope="session")
def server_url() -> Any:
    without_catalogue = pytest.MonkeyPatch()
    without_catalogue.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,300 images that no test uses
    schedule = Schedule(Clock())
    ec2.use(TIMING, schedule)
    autoscaling.use(TIMING, schedule)
    route53.use()
    loadbalancers.use(TIMING.load_balancer_provisioning)
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    without_catalogue.undo()


@pytest.fixture
def cloud(server_url: str, request: Any) -> Cloud:
    """An empty cloud; a test may pass its own timing as a parameter."""
    clock = Clock()
    schedule = Schedule(clock)
    timing = getattr(request, "param", TIMING)
    ec2.use(timing, schedule)
    route53.use()
    loadbalancers.use(timing.load_balancer_provisioning, timing.target_draining)
    return Cloud(server_url, clock, autoscaling.use(timing, schedule))


@dataclass
class Place:
    """A VPC with a subnet in each of two zones and a security group."""

    vpc: str
    subnets: list[str]
    group: str


@pytest.fixture
def client(cloud: Cloud) -> Any:
    return cloud.client("ec2")


@pytest.fixture
def place(client: Any) -> Place:
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        client.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for i, zone in enumerate("abc")
    ]
    group = client.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return Place(vpc, subnets, group)
