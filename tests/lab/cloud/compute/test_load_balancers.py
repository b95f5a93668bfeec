"""Load balancers of Services: what a cluster's controllers create in AWS, by annotations."""

import pytest

from eks_cilium.clients.load_balancers import LoadBalancers
from lab.cloud.loadbalancers.service_controller import RefusedError, ServiceController
from lab.cloud.running_clusters import Clusters

from .calls import code_of, run
from .networks import Network, running, wanted


@pytest.fixture
def network(client):
    return Network(client)


@pytest.fixture
def services(cloud, network):
    clusters = Clusters()
    clusters.add(running("blue", network))

    class Clients:
        def of(self, controller, service, region):
            return cloud.client(service)

    return ServiceController(clusters, Clients())


def balancer(cloud):
    return cloud.client("elbv2").describe_load_balancers()["LoadBalancers"][0]


def sources(client, group):
    only = [{"Name": "group-id", "Values": [group]}]
    rules = client.describe_security_group_rules(Filters=only)["SecurityGroupRules"]
    return [
        (rule["FromPort"], rule["CidrIpv4"]) for rule in rules if not rule["IsEgress"] and "CidrIpv4" in rule
    ]


def test_an_internal_network_load_balancer_is_in_the_private_subnets_and_opens_the_nodes(
    cloud, client, network, services
):
    instance = run(client, type("Place", (), {"subnets": network.subnets, "group": network.group}))
    cloud.pass_time(10)
    host = services.ensure(wanted(instances=[instance]))["hostname"]
    created = balancer(cloud)
    assert (created["Scheme"], created["Type"], created["State"]["Code"]) == (
        "internal",
        "network",
        "provisioning",
    )
    assert created["DNSName"] == host
    assert {zone["SubnetId"] for zone in created["AvailabilityZones"]} == set(network.private)
    assert sources(client, network.group) == [(31234, "10.1.0.0/16")]
    cloud.pass_time(5)
    assert balancer(cloud)["State"]["Code"] == "active"
    elbv2 = cloud.client("elbv2")
    group = elbv2.describe_target_groups()["TargetGroups"][0]
    health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    targets = [(each["Target"]["Id"], each["Target"]["Port"]) for each in health["TargetHealthDescriptions"]]
    assert targets == [(instance, 31234)]


def test_the_controller_of_kubernetes_refuses_session_affinity(cloud, services):
    with pytest.raises(RefusedError, match="unsupported load balancer affinity: ClientIP"):
        services.ensure(wanted(affinity="ClientIP"))
    assert cloud.client("elbv2").describe_load_balancers()["LoadBalancers"] == []

    services.ensure(wanted(affinity="ClientIP", controller="aws-load-balancer-controller"))


def test_the_controller_of_kubernetes_takes_a_subnet_of_every_zone_of_the_vpc(
    cloud, client, services, network
):
    unused = client.create_subnet(VpcId=network.vpc, CidrBlock="10.0.99.0/24", AvailabilityZone="us-east-1c")
    other = client.create_subnet(VpcId=network.vpc, CidrBlock="10.0.98.0/24", AvailabilityZone="us-east-1d")
    tag = {"Key": "kubernetes.io/cluster/green", "Value": "shared"}
    client.create_tags(Resources=[other["Subnet"]["SubnetId"]], Tags=[tag])

    services.ensure(wanted())

    taken = {zone["SubnetId"] for zone in balancer(cloud)["AvailabilityZones"]}
    assert taken == {*network.private, unused["Subnet"]["SubnetId"]}


@pytest.mark.parametrize("controller", ["service-controller", "aws-load-balancer-controller"])
def test_a_service_names_its_subnets(cloud, network, services, controller):
    with pytest.raises(ValueError, match="multiple subnets in the same Availability Zone"):
        services.ensure(wanted(controller=controller, subnets=[network.private[0], network.public[0]]))

    services.ensure(wanted(controller=controller, subnets=[network.private[1]]))

    assert [zone["SubnetId"] for zone in balancer(cloud)["AvailabilityZones"]] == [network.private[1]]


def test_asking_again_changes_only_what_is_different(cloud, client, network, services):
    first = services.ensure(wanted())
    assert services.ensure(wanted()) == first
    services.ensure(wanted(sources=["10.1.0.0/16", "10.2.0.0/16"]))
    assert sorted(sources(client, network.group)) == [(31234, "10.1.0.0/16"), (31234, "10.2.0.0/16")]
    services.ensure(wanted(sources=["10.2.0.0/16"]))
    assert sources(client, network.group) == [(31234, "10.2.0.0/16")]
    assert len(cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1


def test_without_annotations_it_is_an_internet_facing_classic_load_balancer(cloud, client, network, services):
    host = services.ensure(wanted(network=False, internal=False, sources=[]))["hostname"]
    created = cloud.client("elb").describe_load_balancers()["LoadBalancerDescriptions"][0]
    assert (created["Scheme"], created["DNSName"]) == ("internet-facing", host)
    assert set(created["Subnets"]) == set(network.public)
    assert sources(client, created["SecurityGroups"][0]) == [(2379, "0.0.0.0/0")]
    assert cloud.client("elbv2").describe_load_balancers()["LoadBalancers"] == []


def test_the_aws_load_balancer_controller_creates_a_group_and_targets_pods(cloud, client, network, services):
    asked = wanted(controller="aws-load-balancer-controller", byAddress=True, addresses=["10.0.10.77"])
    services.ensure(asked)
    created = balancer(cloud)
    assert created["LoadBalancerName"].startswith("k8s-kubesyst-clusterm-")
    assert sources(client, created["SecurityGroups"][0]) == [(2379, "10.1.0.0/16")]
    group = cloud.client("elbv2").describe_target_groups()["TargetGroups"][0]
    assert (group["TargetType"], group["Port"]) == ("ip", 2379)


def test_the_aws_load_balancer_controller_chooses_subnets_by_tags_only(client, network, services):
    tag = {"Key": "kubernetes.io/role/internal-elb"}
    client.delete_tags(Resources=network.private, Tags=[tag])
    with pytest.raises(ValueError, match="couldn't auto-discover subnets"):
        services.ensure(wanted(controller="aws-load-balancer-controller"))
    services.ensure(wanted())


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"network": False, "internal": False},
        {"controller": "aws-load-balancer-controller", "byAddress": True, "addresses": ["10.0.10.77"]},
    ],
)
def test_deleting_leaves_nothing_and_frees_the_subnets(cloud, client, network, services, more):
    services.ensure(wanted(**more))
    used = network.public if more.get("network") is False else network.private
    assert code_of(client.delete_subnet, SubnetId=used[0]) == "DependencyViolation"
    services.delete(wanted(**more))
    services.delete(wanted(**more))
    elbv2, elb = cloud.client("elbv2"), cloud.client("elb")
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert elb.describe_load_balancers()["LoadBalancerDescriptions"] == []
    assert client.describe_network_interfaces()["NetworkInterfaces"] == []
    groups = client.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])
    assert {group["GroupName"] for group in groups["SecurityGroups"]} == {"default", "eks"}
    assert sources(client, network.group) == []


def test_a_cluster_that_does_not_run_has_no_load_balancers(services):
    with pytest.raises(ValueError, match="cluster green is not running"):
        services.ensure(wanted(cluster="green"))


def states(cloud):
    elbv2 = cloud.client("elbv2")
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    return {
        each["Target"]["Id"]: each["TargetHealth"]["State"] for each in health["TargetHealthDescriptions"]
    }


def test_a_deregistered_node_drains_before_it_is_gone(cloud, client, network, services):
    place = type("Place", (), {"subnets": network.subnets, "group": network.group})
    stays, leaves = run(client, place), run(client, place)
    cloud.pass_time(10)
    services.ensure(wanted(instances=[stays, leaves]))

    services.ensure(wanted(instances=[stays]))

    assert states(cloud) == {stays: "healthy", leaves: "draining"}
    services.ensure(wanted(instances=[stays]))
    cloud.pass_time(4)
    assert states(cloud) == {stays: "healthy"}


def test_a_node_that_is_registered_again_stops_draining(cloud, client, network, services):
    place = type("Place", (), {"subnets": network.subnets, "group": network.group})
    stays, returns = run(client, place), run(client, place)
    cloud.pass_time(10)
    for instances in ([stays, returns], [stays], [stays, returns]):
        services.ensure(wanted(instances=instances))

    assert states(cloud) == {stays: "healthy", returns: "healthy"}


def test_the_program_finds_the_nodes_of_a_cluster_in_both_kinds_of_load_balancers(
    cloud, client, network, services
):
    instance = run(client, type("Place", (), {"subnets": network.subnets, "group": network.group}))
    cloud.pass_time(10)
    services.ensure(wanted(instances=[instance]))
    services.ensure(wanted(network=False, internal=False, name="other", uid="u-2", instances=[instance]))
    blue = LoadBalancers(cloud.client("elbv2"), cloud.client("elb"), "blue")
    red = LoadBalancers(cloud.client("elbv2"), cloud.client("elb"), "red")

    (group,) = blue.target_groups()
    (name,) = blue.classic()

    assert blue.states(group) == {instance: "healthy"}
    assert blue.classic_sends_to(name) == {instance}
    assert (red.target_groups(), red.classic()) == ([], [])
