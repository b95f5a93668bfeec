"""Whether a node of one cluster reaches the load balancer of another, and the reason if not."""

import pytest

from lab.cloud.loadbalancers.service_controller import ServiceController
from lab.cloud.reachability import Mesh
from lab.cloud.running_clusters import Clusters

from .calls import run
from .networks import Network, running, wanted

ACCOUNT = "123456789012"
HOST = "green.mesh.cilium.io"


class Pair:
    """Two clusters, blue and green, with a node each, and green's load balancer with its DNS name."""

    def __init__(self, cloud):
        self.cloud, self.client = cloud, cloud.client("ec2")
        self.blue, self.green = Network(self.client, 0), Network(self.client, 1)
        clusters = Clusters()
        for name, network in (("blue", self.blue), ("green", self.green)):
            clusters.add(running(name, network))
        self.nodes = {name: self.node(getattr(self, name)) for name in ("blue", "green")}
        cloud.pass_time(10)

        class Clients:
            def of(self, controller, service, region):
                return cloud.client(service)

        self.services, self.mesh = ServiceController(clusters, Clients()), Mesh(clusters, ACCOUNT)
        self.names = cloud.client("route53")

    def node(self, network):
        place = type("Place", (), {"subnets": network.subnets, "group": network.group})
        return run(self.client, place)

    def balance(self, **more):
        asked = wanted(cluster="green", sources=["10.0.0.0/16"], instances=[self.nodes["green"]], **more)
        self.host = self.services.ensure(asked)["hostname"]
        self.cloud.pass_time(5)

    def name(self, vpc):
        zone = self.names.create_hosted_zone(
            Name="mesh.cilium.io",
            CallerReference="x",
            VPC={"VPCRegion": "us-east-1", "VPCId": vpc},
            HostedZoneConfig={"PrivateZone": True, "Comment": ""},
        )["HostedZone"]["Id"]
        target = {"HostedZoneId": "Z1", "DNSName": self.host, "EvaluateTargetHealth": False}
        record = {"Name": HOST, "Type": "A", "AliasTarget": target}
        change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        self.names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)

    def table(self, network):
        only = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "association.main", "Values": ["true"]}]
        return self.client.describe_route_tables(Filters=only)["RouteTables"][0]["RouteTableId"]

    def peer(self, *, accept=True):
        created = self.client.create_vpc_peering_connection(VpcId=self.blue.vpc, PeerVpcId=self.green.vpc)
        peering = created["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        if accept:
            self.client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
        return {"VpcPeeringConnectionId": peering}

    def route(self, network, block, target):
        self.client.create_route(RouteTableId=self.table(network), DestinationCidrBlock=block, **target)

    def ask(self, host=HOST, port=2379):
        described = self.client.describe_instances(InstanceIds=[self.nodes["blue"]])
        address = described["Reservations"][0]["Instances"][0]["PrivateIpAddress"]
        question = {"cluster": "blue", "instance": self.nodes["blue"], "address": address}
        return self.mesh.reach({**question, "host": host, "port": port})

    def reason(self, **more):
        answer = self.ask(**more)
        assert not answer["reachable"]
        return answer["reason"]


@pytest.fixture
def pair(cloud):
    return Pair(cloud)


@pytest.fixture
def joined(pair):
    """Everything that is needed, by peering."""
    pair.balance()
    pair.name(pair.blue.vpc)
    peering = pair.peer()
    pair.route(pair.blue, "10.1.0.0/16", peering)
    pair.route(pair.green, "10.0.0.0/16", peering)
    return pair


def test_everything_in_place_is_reachable(joined):
    server = {"cluster": "green", "service": "kube-system/clustermesh-apiserver", "ready": 1}
    assert joined.ask() == {"reachable": True, "reason": "", "server": None}
    joined.mesh.register(server)
    assert joined.ask()["server"] == server


def test_each_step_that_is_missing_is_the_reason(pair):
    assert "no such host" in pair.reason()
    pair.balance()
    pair.name(pair.green.vpc)
    assert f"private zone mesh.cilium.io is not associated with {pair.blue.vpc}" in pair.reason()
    zone = pair.names.list_hosted_zones()["HostedZones"][0]["Id"]
    seen = {"VPCRegion": "us-east-1", "VPCId": pair.blue.vpc}
    pair.names.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=seen)
    assert f"of {pair.blue.vpc} has no route to 10.1." in pair.reason()
    peering = pair.peer(accept=False)
    pair.route(pair.blue, "10.1.0.0/16", peering)
    assert "the route to 10.1.0.0/16 is a blackhole" in pair.reason()
    pair.client.accept_vpc_peering_connection(**peering)
    assert f"of {pair.green.vpc} has no route to 10.0." in pair.reason()
    pair.route(pair.green, "10.0.0.0/16", peering)
    assert pair.ask()["reachable"]


def test_the_remote_nodes_have_to_allow_the_ranges_in(joined):
    joined.balance(name="clustermesh-apiserver")
    rules = joined.client.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [joined.green.group]}]
    )["SecurityGroupRules"]
    inward = [rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]]
    joined.client.revoke_security_group_ingress(GroupId=joined.green.group, SecurityGroupRuleIds=inward)
    assert f"security groups {joined.green.group} do not allow 10.0." in joined.reason()
    assert "on port 31234" in joined.reason()


def test_a_load_balancer_answers_on_its_ports_and_with_targets(joined):
    assert "has no listener on port 2380" in joined.reason(port=2380)
    joined.services.ensure(wanted(cluster="green", sources=["10.0.0.0/16"]))
    assert "it has no targets" in joined.reason()


def test_a_provisioning_load_balancer_does_not_answer(pair):
    pair.balance(uid="1")
    pair.name(pair.blue.vpc)
    other = pair.services.ensure(wanted(cluster="green", uid="2"))["hostname"]
    assert "is provisioning" in pair.reason(host=other)


def test_peering_is_not_transitive(joined):
    third = Network(joined.client, 2)
    created = joined.client.create_vpc_peering_connection(VpcId=joined.blue.vpc, PeerVpcId=third.vpc)
    peering = created["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    joined.client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    joined.client.replace_route(
        RouteTableId=joined.table(joined.blue),
        DestinationCidrBlock="10.1.0.0/16",
        VpcPeeringConnectionId=peering,
    )
    assert "peering is not transitive" in joined.reason()


def test_a_transit_gateway_reaches_like_a_peering(pair):
    pair.balance()
    pair.name(pair.blue.vpc)
    client = pair.client
    hub = client.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    pair.cloud.pass_time(5)
    for network in (pair.blue, pair.green):
        attach = {"TransitGatewayId": hub, "VpcId": network.vpc, "SubnetIds": network.private}
        client.create_transit_gateway_vpc_attachment(**attach)
    pair.cloud.pass_time(5)
    pair.route(pair.blue, "10.1.0.0/16", {"TransitGatewayId": hub})
    assert f"of {pair.green.vpc} has no route to 10.0." in pair.reason()
    pair.route(pair.green, "10.0.0.0/16", {"TransitGatewayId": hub})
    assert pair.ask()["reachable"]
    attachments = client.describe_transit_gateway_vpc_attachments()["TransitGatewayVpcAttachments"]
    table = client.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"][0]
    green = next(each for each in attachments if each["VpcId"] == pair.green.vpc)
    client.disable_transit_gateway_route_table_propagation(
        TransitGatewayAttachmentId=green["TransitGatewayAttachmentId"],
        TransitGatewayRouteTableId=table["TransitGatewayRouteTableId"],
    )
    assert "has no active route to 10.1." in pair.reason()
