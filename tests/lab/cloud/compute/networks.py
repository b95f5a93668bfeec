"""Networks of clusters, and the requests of their controllers."""

from pathlib import Path

from lab.cloud.running_clusters import ClusterNetwork, RunningCluster


class Network:
    """A VPC with a public and a private subnet in each of two zones, and what the nodes share."""

    def __init__(self, client, number=0):
        self.vpc = client.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        client.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        table = client.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        self.public, self.private = [], []
        for place, zone in enumerate("ab"):
            for kind, subnets in ((0, self.public), (10, self.private)):
                block = f"10.{number}.{kind + place}.0/24"
                created = client.create_subnet(
                    VpcId=self.vpc, CidrBlock=block, AvailabilityZone=f"us-east-1{zone}"
                )
                subnets.append(created["Subnet"]["SubnetId"])
            client.associate_route_table(RouteTableId=table, SubnetId=self.public[-1])
        for subnets, role in ((self.public, "elb"), (self.private, "internal-elb")):
            tag = {"Key": f"kubernetes.io/role/{role}", "Value": "1"}
            client.create_tags(Resources=subnets, Tags=[tag])
        created = client.create_security_group(GroupName="eks", Description="eks", VpcId=self.vpc)
        self.group = created["GroupId"]
        self.subnets, self.cluster = [self.private[0]], [*self.public, *self.private]


def running(name, network):
    """Return a running cluster in a network."""
    lies_in = ClusterNetwork(network.vpc, tuple(network.cluster), network.group)
    nowhere = ("https://127.0.0.1", b"", Path("nowhere"), "1.35", lambda _: None)
    return RunningCluster(name, *nowhere, region="us-east-1", network=lies_in)


def wanted(**more):
    return {
        "cluster": "blue",
        "namespace": "kube-system",
        "name": "clustermesh-apiserver",
        "uid": "0a1b2c3d-0000-4000-8000-000000000001",
        "controller": "service-controller",
        "network": True,
        "internal": True,
        "byAddress": False,
        "ports": [{"port": 2379, "nodePort": 31234, "targetPort": 2379}],
        "sources": ["10.1.0.0/16"],
        "instances": [],
        "addresses": [],
        **more,
    }
