"""What a program learns of a cluster it did not create, and of the state of its migration."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.clients.aws_errors import translation
from eks_cilium.cluster.existing import AUDIENCE, find, image_families, oidc_provider, subnet_kinds
from eks_cilium.errors import UserError
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.start import read_start
from eks_cilium.settings.model.migration import Target
from tests.program.rotation.migrations import options, run
from tests.program.rotation.simulation.world import Simulation

from .shells import nodes_of

pytestmark = pytest.mark.simulation

REGION = "eu-central-1"
ISSUER = "oidc.eks.eu-central-1.amazonaws.com/id/ABC"


SERVE = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), sep=":", flush=True)
input()
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of a moto of its own: tests of the lab's cloud change the one of this process for good."""
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        yield f"http://{server.stdout.readline().strip()}"
        server.stdin.close()


@pytest.fixture
def account(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()


def aws(service: str) -> Any:
    return client(Credentials(region=REGION), service)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ({"connectorConfig": {"provider": "GKE"}}, "registered by EKS Connector"),
        ({"outpostConfig": {"outpostArns": ["arn"]}}, "local cluster on an Outpost"),
    ],
)
def test_clusters_that_eks_does_not_run_in_the_region_are_refused_by_name(kind: Any, says: str) -> None:
    class Other:
        def describe_cluster(self, name: str) -> dict[str, Any]:
            return {"cluster": {"name": name, **kind}}

    with pytest.raises(UserError, match=says):
        find("demo", lambda _: Other())


class Vpc:
    """A VPC with one private and one public subnet."""

    def __init__(self) -> None:
        ec2 = aws("ec2")
        self.id = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        self.private, self.public = (
            ec2.create_subnet(VpcId=self.id, CidrBlock=f"10.1.{number}.0/24")["Subnet"]["SubnetId"]
            for number in (0, 1)
        )
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.id)
        table = ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        ec2.associate_route_table(RouteTableId=table, SubnetId=self.public)
        self.security_group = ec2.create_security_group(GroupName="nodes", Description="-", VpcId=self.id)[
            "GroupId"
        ]


class Eks:
    """EKS, as far as it is asked; moto's does not know the VPC of a cluster."""

    def __init__(self, vpc: Vpc | None) -> None:
        self._vpc = vpc

    def describe_cluster(self, name: str) -> Any:
        if self._vpc is None:
            missing = ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": name}}, "DescribeCluster"
            )
            raise translation(missing, "eks:DescribeCluster")
        return {
            "cluster": {
                "arn": f"arn:aws:eks:{REGION}:123456789012:cluster/{name}",
                "endpoint": "https://cluster.example",
                "certificateAuthority": {"data": "Q0E="},
                "version": "1.34",
                "identity": {"oidc": {"issuer": f"https://{ISSUER}"}},
                "resourcesVpcConfig": {"vpcId": self._vpc.id},
            }
        }


def with_cluster(vpc: Vpc | None) -> Any:
    eks = Eks(vpc)
    return lambda service: eks if service == "eks" else aws(service)


def add_group(name: str, cluster: str, *subnets: str) -> None:
    aws("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "m7i.large"}
    )
    aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateName": name},
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=",".join(subnets),
        Tags=[{"Key": f"kubernetes.io/cluster/{cluster}", "Value": "owned", "PropagateAtLaunch": True}],
    )


def test_a_cluster_that_does_not_exist_is_none(account: None) -> None:
    assert find("shop", with_cluster(None)) is None


def test_a_clusters_nodes_are_where_its_groups_are(account: None) -> None:
    vpc = Vpc()
    add_group("workers", "shop", vpc.private)
    add_group("edge", "shop", vpc.public)
    add_group("of-another-cluster", "other", vpc.public)

    found = find("shop", with_cluster(vpc))

    assert found is not None
    assert found.subnet_ids == tuple(sorted({vpc.private, vpc.public}))
    assert found.subnet_kinds == {"private", "public"}
    assert found.account == "123456789012"
    assert found.issuer == ISSUER
    assert found.cidr == "10.1.0.0/16"


def test_subnets_of_the_configuration_take_precedence(account: None) -> None:
    vpc = Vpc()
    add_group("workers", "shop", vpc.public)

    found = find("shop", with_cluster(vpc), subnets=[vpc.private])

    assert found is not None
    assert found.subnet_ids == (vpc.private,)
    assert found.subnet_kinds == {"private"}


def test_a_subnet_without_a_table_of_its_own_follows_the_main_one(account: None) -> None:
    vpc = Vpc()
    ec2 = aws("ec2")
    (main,) = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [vpc.id]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    assert subnet_kinds(ec2, vpc.id, [vpc.private]) == {"private"}
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]

    ec2.create_route(RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    assert subnet_kinds(ec2, vpc.id, [vpc.private]) == {"public"}


def test_the_identity_provider_is_found_by_the_issuer_with_its_tags(account: None) -> None:
    arn = f"arn:aws:eks:{REGION}:123456789012:cluster/shop"
    assert oidc_provider(aws("iam"), arn, ISSUER) is None

    aws("iam").create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE], Tags=[{"Key": "team", "Value": "platform"}]
    )

    found = oidc_provider(aws("iam"), arn, ISSUER)
    assert found is not None
    assert found.arn == f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
    assert found.audiences == (AUDIENCE,)
    assert found.tags == {"team": "platform"}


@pytest.mark.parametrize(
    ("image", "family"),
    [
        ("Amazon Linux 2023.8.20250818", "al2023"),
        ("Amazon Linux 2", "al2"),
        ("Bottlerocket OS 1.44.0 (aws-k8s-1.33)", "bottlerocket"),
    ],
)
def test_nodes_tell_the_family_of_their_image(image: str, family: str) -> None:
    assert image_families([{"status": {"nodeInfo": {"osImage": image}}}]) == {family}


# Where a migration stands


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    for node in simulation.nodes():
        node["status"]["nodeInfo"] = {"osImage": "Amazon Linux 2023"}
    return simulation


def test_before_the_first_run_nodes_come_from_the_plan(simulation: Simulation) -> None:
    beginning = read_start(run(simulation.world()))

    assert beginning.plan is not None
    assert beginning.nodes == tuple(node.node for node in beginning.plan.nodes)
    assert beginning.left == 3


def test_later_nodes_come_from_the_inventory_however_many_were_replaced(simulation: Simulation) -> None:
    world = simulation.world()
    names = recording.record_inventory(run(world))["nodes"]
    gone = next(node for node in simulation.nodes() if node["metadata"]["name"] == names[0])
    simulation.api.remove("/api/v1/nodes", gone)

    beginning = read_start(run(world))

    assert list(beginning.nodes) == names
    assert beginning.left == 2
    assert beginning.plan is None


def test_the_inventory_of_a_migration_is_none_for_the_rollback(simulation: Simulation) -> None:
    world = simulation.world()
    recording.record_inventory(run(world))

    assert read_start(run(world, options(target=Target.AWS_VPC_CNI))).nodes == ()


def test_a_new_node_with_the_name_of_an_old_one_is_not_counted_as_left(simulation: Simulation) -> None:
    world = simulation.world()
    recording.record_inventory(run(world))
    simulation.nodes()[0]["metadata"]["uid"] = "another"
    simulation.nodes()[0]["spec"]["providerID"] = "aws:///a/i-0another"

    assert read_start(run(world)).left == len(nodes_of(simulation)) - 1
