"""The facts of a cluster: its network from the lab's EC2, its Cilium from objects of the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from moto import mock_aws

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.mesh.agents import agents, mesh_owner, mesh_service, snat
from eks_cilium.mesh.model import Agents, MeshService, Snat, Tunnel
from eks_cilium.mesh.reading import Place, read
from eks_cilium.mesh.vpc import covering, gateway, network
from lab.cloud.ec2 import use
from lab.cloud.schedule import Schedule
from lab.cloud.timing import Timing

pytestmark = pytest.mark.simulation

REGION = "eu-central-1"


@dataclass
class Api:
    """A Kubernetes API that answers from a table of paths."""

    objects: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        return self.objects.get(path)

    def list(self, path: str, **selectors: str) -> list[Any]:
        return self.lists.get(path, [])


@pytest.fixture
def schedule() -> Schedule:
    """The schedule of the lab's EC2: pending resources become available when a test runs it."""
    schedule = Schedule(lambda: 0.0)
    use(Timing(transit_gateway_change=0), schedule)
    return schedule


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, schedule: Schedule) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield lambda service: client(Credentials(region=REGION), service)


def tag(key: str, value: str = "1") -> list[dict[str, str]]:
    return [{"Key": key, "Value": value}]


@dataclass
class Vpc:
    """A VPC with a node in one of its subnets."""

    id: str
    node: str
    balancers: str
    unused: str
    instance: str
    group: str


@pytest.fixture
def vpc(aws: Any) -> Vpc:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.9.0.0/16")

    def subnet(block: str, **more: Any) -> str:
        created = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}a", **more)
        return created["Subnet"]["SubnetId"]

    balancers = [{"ResourceType": "subnet", "Tags": tag("kubernetes.io/role/internal-elb")}]
    node, inner = subnet("10.1.0.0/24"), subnet("10.1.1.0/24", TagSpecifications=balancers)
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    run = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=node, SecurityGroupIds=[group]
    )
    return Vpc(vpc, node, inner, subnet("10.1.2.0/24"), run["Instances"][0]["InstanceId"], group)


def with_nodes(vpc: Vpc) -> Api:
    provider = f"aws:///{REGION}a/{vpc.instance}"
    return Api(lists={"/api/v1/nodes": [{"spec": {"providerID": provider}}, {"spec": {}}]})


def read_network(aws: Any, vpc: Vpc, **more: Any) -> Any:
    return network("shop", {"vpcId": vpc.id, **more}, aws, with_nodes(vpc))


def test_subnets_of_nodes_and_of_internal_load_balancers_are_in_use(aws: Any, vpc: Vpc):
    found = read_network(aws, vpc)

    assert set(found.subnets) == {vpc.node, vpc.balancers}
    assert set(found.subnets.values()) == {f"{REGION}a"}
    assert found.cidrs == ("10.1.0.0/16", "10.9.0.0/16")
    assert found.for_balancers == {vpc.balancers}
    (main,) = found.tables_in_use
    assert main.main


def test_the_attributes_that_private_names_need_are_read(aws: Any, vpc: Vpc):
    before = read_network(aws, vpc)
    aws("ec2").modify_vpc_attribute(VpcId=vpc.id, EnableDnsHostnames={"Value": True})
    after = read_network(aws, vpc)

    assert (before.dns_support, before.dns_hostnames) == (True, False)
    assert (after.dns_support, after.dns_hostnames) == (True, True)


def test_a_subnet_uses_the_table_it_is_associated_with(aws: Any, vpc: Vpc):
    ec2 = aws("ec2")
    table = ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    unused = ec2.create_route_table(VpcId=vpc.id)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=vpc.node)
    ec2.associate_route_table(RouteTableId=unused, SubnetId=vpc.unused)
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc.id)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)

    found = read_network(aws, vpc)

    used = {table.id: table for table in found.tables_in_use}
    assert table in used
    assert unused not in used
    assert {(route.destination, route.target) for route in used[table].routes} >= {("0.0.0.0/0", gateway_id)}


def test_a_peering_is_known_from_either_vpc_with_the_stack_that_created_it(aws: Any, vpc: Vpc):
    ec2 = aws("ec2")
    other = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    created = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=vpc.id)["VpcPeeringConnection"]
    ec2.create_tags(Resources=[created["VpcPeeringConnectionId"]], Tags=tag(STACK_TAG, "eks-cilium/mesh"))

    (peering,) = read_network(aws, vpc).peerings

    assert (peering.other_vpc, peering.created_by) == (other, "eks-cilium/mesh")


def test_a_deleted_peering_is_left_out(aws: Any, vpc: Vpc):
    ec2 = aws("ec2")
    other = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    created = ec2.create_vpc_peering_connection(VpcId=vpc.id, PeerVpcId=other)["VpcPeeringConnection"]
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=created["VpcPeeringConnectionId"])

    assert read_network(aws, vpc).peerings == ()


def test_an_attachment_and_its_gateway_are_known(aws: Any, vpc: Vpc, schedule: Schedule):
    ec2 = aws("ec2")
    created = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    schedule.run_due()
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=created, VpcId=vpc.id, SubnetIds=[vpc.node])

    (attachment,) = read_network(aws, vpc).attachments
    assert (attachment.gateway, attachment.created_by) == (created, "")
    found = gateway(ec2, created)
    assert found is not None
    assert (found.state, found.region, found.associates, found.propagates) == (
        "available",
        REGION,
        True,
        True,
    )
    assert (found.accepts, found.owner) == (False, "123456789012")
    ec2.modify_transit_gateway(TransitGatewayId=created, Options={"AutoAcceptSharedAttachments": "enable"})
    assert gateway(ec2, created).accepts
    assert gateway(ec2, "tgw-0123456789abcdef0") is None


def test_a_zone_of_the_meshs_name_is_known_with_the_stack_that_created_it(aws: Any, vpc: Vpc):
    route53 = aws("route53")
    for name in ("mesh.cilium.io", "example.com"):
        created = route53.create_hosted_zone(
            Name=name,
            CallerReference=name,
            VPC={"VPCRegion": REGION, "VPCId": vpc.id},
            HostedZoneConfig={"Comment": "", "PrivateZone": True},
        )["HostedZone"]["Id"].rpartition("/")[2]
        route53.change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=created, AddTags=tag(STACK_TAG, f"stack of {name}")
        )

    (zone,) = read_network(aws, vpc).zones

    assert zone.created_by == "stack of mesh.cilium.io"


def test_the_clusters_own_group_is_first_and_others_are_added_only_where_it_is_missing(aws: Any, vpc: Vpc):
    assert read_network(aws, vpc).security_groups == (vpc.group,)
    assert read_network(aws, vpc, clusterSecurityGroupId=vpc.group).security_groups == (vpc.group,)
    assert read_network(aws, vpc, clusterSecurityGroupId="sg-own").security_groups == ("sg-own", vpc.group)


@pytest.mark.parametrize(
    ("own", "sets", "expected"),
    [
        ("sg-own", [{"sg-own", "sg-a"}, {"sg-own"}], ("sg-own",)),
        ("sg-own", [{"sg-a", "sg-b"}, {"sg-b"}], ("sg-own", "sg-b")),
        (None, [{"sg-a"}, {"sg-b", "sg-c"}, {"sg-c"}], ("sg-c", "sg-a")),
        ("sg-own", [], ("sg-own",)),
        (None, [set()], ()),
    ],
)
def test_the_fewest_groups_cover_every_interface(own: Any, sets: list[set[str]], expected: tuple[str, ...]):
    assert covering(own, [frozenset(groups) for groups in sets]) == expected


PREFIX = "/api/v1/namespaces/kube-system"
APPS = "/apis/apps/v1/namespaces/kube-system"


def daemon_set(name: str, image: str, **env: str) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in env.items()]
    container = {"name": name, "image": image, "env": variables}
    return {"spec": {"template": {"spec": {"containers": [{"name": "other", "image": "x"}, container]}}}}


def with_cilium(version: str, **config: str) -> Api:
    image = f"quay.io/cilium/cilium:v{version}@sha256:0123"
    return Api(
        {
            f"{PREFIX}/configmaps/cilium-config": {"data": {"cluster-name": "shop", **config}},
            f"{APPS}/daemonsets/cilium": daemon_set("cilium-agent", image),
        }
    )


def test_cilium_in_eni_mode_is_read_from_its_configuration():
    config = {
        "cluster-id": "7",
        "ipam": "eni",
        "routing-mode": "native",
        "enable-ipv4-masquerade": "true",
        "ipv4-native-routing-cidr": "10.0.0.0/8",
        "enable-wireguard": "true",
    }

    assert agents(with_cilium("1.19.7", **config)) == Agents(
        version="1.19.7",
        cluster_name="shop",
        cluster_id=7,
        ipam="eni",
        tunnel=None,
        chained=False,
        masquerades=True,
        native_cidr="10.0.0.0/8",
        wireguard=True,
    )


def test_old_keys_and_missing_keys_are_understood():
    old = agents(with_cilium("1.12.4", tunnel="disabled", **{"enable-ipv4-masquerade": "false"}))
    silent = agents(with_cilium("1.19.7"))

    assert old is not None
    assert (old.version, old.tunnel, old.masquerades, old.cluster_id) == ("1.12.4", None, False, 0)
    assert silent is not None
    assert (silent.tunnel, silent.masquerades) == (Tunnel("vxlan", 8472), True)


def test_pools_and_the_number_of_clusters_are_read():
    config = {
        "enable-ipv4": "false",
        "ipam": "cluster-pool",
        "cluster-pool-ipv4-cidr": "198.19.0.0/16 198.18.0.0/16",
        "max-connected-clusters": "511",
        "mtu": "8500",
    }
    chained = agents(with_cilium("1.19.7", **config))
    eni = agents(with_cilium("1.19.7", **{**config, "ipam": "eni", "mtu": "0"}))

    assert chained is not None
    assert chained.pools == ("198.19.0.0/16", "198.18.0.0/16")
    assert (chained.max_clusters, chained.mtu, chained.ipv4) == (511, 8500, False)
    assert eni is not None
    assert (eni.pools, eni.mtu) == ((), 0)


@pytest.mark.parametrize(
    ("version", "routing"),
    [("1.12.4", {"tunnel": "geneve"}), ("1.19.7", {"routing-mode": "tunnel", "tunnel-protocol": "geneve"})],
)
def test_an_overlay_is_read_in_the_spelling_of_any_release(version: str, routing: dict[str, str]):
    pool = {"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.64.0.0/14"}
    found = agents(with_cilium(version, **pool, **routing))

    assert found is not None
    assert (found.ipam, found.pools, found.tunnel) == (
        "cluster-pool",
        ("10.64.0.0/14",),
        Tunnel("geneve", 6081),
    )


@dataclass
class Eks:
    """EKS that knows a single cluster."""

    cluster: dict[str, Any]

    def describe_cluster(self, name: str) -> dict[str, Any]:
        return {"cluster": {**self.cluster, "name": name}}


def test_the_network_of_services_is_read(aws: Any, vpc: Vpc):
    eks = Eks(
        {
            "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/eks-shop",
            "endpoint": "https://shop",
            "certificateAuthority": {"data": "Q0E="},
            "resourcesVpcConfig": {"vpcId": vpc.id},
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
        }
    )

    @contextmanager
    def connect(_endpoint: str, _authority: str) -> Iterator[Api]:
        yield with_nodes(vpc)

    place = Place("shop", "eks-shop", REGION)
    found = read(place, lambda service: eks if service == "eks" else aws(service), connect)

    assert found is not None
    assert found.service_cidr == "172.20.0.0/16"


class Elb:
    """Elastic Load Balancing with one Network Load Balancer."""

    def get_paginator(self, operation: str) -> "Elb":
        assert operation == "describe_load_balancers"
        return self

    def paginate(self) -> list[Any]:
        zones = [{"SubnetId": "subnet-1a"}, {"SubnetId": "subnet-1b"}]
        balancer = {
            "DNSName": "mesh.elb.x",
            "Scheme": "internal",
            "Type": "network",
            "AvailabilityZones": zones,
        }
        return [{"LoadBalancers": [balancer]}]


def mesh_service_at(host: str | None) -> MeshService | None:
    ingress = [{"hostname": host}] if host else []
    service = {
        "metadata": {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"}},
        "spec": {"loadBalancerClass": "service.k8s.aws/nlb"},
        "status": {"loadBalancer": {"ingress": ingress}},
    }
    return mesh_service(Api({f"{PREFIX}/services/clustermesh-apiserver": service}), lambda _: Elb())


def test_the_service_of_an_existing_mesh_is_read_with_its_load_balancer():
    found, waiting, classic = mesh_service_at("mesh.elb.x"), mesh_service_at(None), mesh_service_at("a.elb.x")

    assert mesh_service(Api(), lambda _: Elb()) is None
    assert found is not None
    assert found.balancer is not None
    assert (found.kind, found.load_balancer_class, found.host) == ("nlb", MeshService.CLASS, "mesh.elb.x")
    assert (found.balancer.type, found.balancer.subnets) == ("network", ("subnet-1a", "subnet-1b"))
    assert waiting == MeshService(kind="nlb", load_balancer_class=MeshService.CLASS)
    assert classic == replace(found, host="a.elb.x", balancer=None)


def test_a_cluster_without_cilium_has_none():
    assert agents(Api()) is None


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, Snat(external=False)),
        ({"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true"}, Snat(external=True)),
        (
            {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": "10.2.0.0/16, 10.3.0.0/16"},
            Snat(external=False, excluded=("10.2.0.0/16", "10.3.0.0/16")),
        ),
    ],
)
def test_what_the_vpc_cni_translates_is_read_from_its_environment(env: dict[str, str], expected: Snat):
    assert snat(Api({f"{APPS}/daemonsets/aws-node": daemon_set("aws-node", "x", **env)})) == expected


def test_the_helm_release_of_an_existing_mesh_is_known():
    path = f"{APPS}/deployments/clustermesh-apiserver"
    helm = {"metadata": {"annotations": {"meta.helm.sh/release-name": "cilium"}}}

    assert mesh_owner(Api()) is None
    assert mesh_owner(Api({path: helm})) == "cilium"
    assert mesh_owner(Api({path: {"metadata": {}}})) == ""


def test_a_cluster_that_does_not_exist_yet_is_none(aws: Any):
    @contextmanager
    def connect(_endpoint: str, _authority: str) -> Iterator[Api]:
        raise AssertionError("there is nothing to connect to")
        yield

    assert read(Place("shop", "eks-shop", REGION), aws, connect) is None
