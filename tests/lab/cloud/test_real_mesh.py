"""Two real clusters in two VPCs, joined step by step, as `cilium-dbg status` in an agent shows it.

The tests depend on their order in this file.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.lab.cloud import mesh_objects
from tests.lab.cloud.conftest import QUICK, eventually, start_cloud

pytestmark = [pytest.mark.control_plane, pytest.mark.endurance, pytest.mark.timeout(900)]
PATIENCE = {"Delay": 1, "MaxAttempts": 240}
CLUSTERS = {"blue": 1, "green": 2}
OTHER = {"blue": "green", "green": "blue"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = start_cloud(tmp_path_factory.mktemp("cloud"), timing=QUICK)
    yield cloud
    cloud.stop()


def role(cloud, name, service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]


class Member:
    """A cluster of the mesh, with kubectl for it."""

    def __init__(self, cloud, kubectl, name, vpc):
        self.name, self.vpc, self._cloud, self._kubectl = name, vpc, cloud, kubectl
        self._kubeconfig = str(cloud.directory / "clusters" / name / "admin.kubeconfig")

    def kubectl(self, *words, stdin=None):
        command = [self._kubectl, "--kubeconfig", self._kubeconfig, "-n", "kube-system", *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)

    def get(self, *words):
        done = self.kubectl("get", *words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def apply(self, objects):
        done = self.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )
        assert done.returncode == 0, done.stderr

    @property
    def host(self):
        ingress = self.get("service", "clustermesh-apiserver")["status"]["loadBalancer"].get("ingress")
        return ingress[0]["hostname"] if ingress else ""

    def remote(self):
        """Return the other cluster as this one's agent sees it."""
        done = self.kubectl("exec", "daemonset/cilium", "--", "cilium-dbg", "status", "-o", "json")
        if done.returncode:
            return {"ready": False, "connected": False, "status": done.stderr}
        return json.loads(done.stdout)["cluster-mesh"]["clusters"][0]

    def says(self, part):
        return eventually(lambda: (seen := self.remote()) and part in seen["status"] and seen, 60)


@pytest.fixture(scope="module")
def members(cloud, toolchain):
    ec2, eks = cloud.client("ec2"), cloud.client("eks")
    control, node = role(cloud, "cluster", "eks.amazonaws.com"), role(cloud, "node", "ec2.amazonaws.com")
    vpcs, subnets = {}, {}
    for name, number in CLUSTERS.items():
        vpcs[name] = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpcs[name], EnableDnsHostnames={"Value": True})
        subnets[name] = [
            ec2.create_subnet(
                VpcId=vpcs[name],
                CidrBlock=f"10.{number}.{place}.0/24",
                AvailabilityZone=f"eu-central-1{zone}",
            )["Subnet"]["SubnetId"]
            for place, zone in enumerate("ab")
        ]
        eks.create_cluster(
            name=name, version="1.35", roleArn=control, resourcesVpcConfig={"subnetIds": subnets[name]}
        )
    for name in CLUSTERS:
        eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=PATIENCE)
        eks.create_nodegroup(
            clusterName=name,
            nodegroupName="nodes",
            subnets=subnets[name],
            nodeRole=node,
            instanceTypes=["m7i.large"],
            scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": 1},
        )
    for name in CLUSTERS:
        waiter = eks.get_waiter("nodegroup_active")
        waiter.wait(clusterName=name, nodegroupName="nodes", WaiterConfig=PATIENCE)
    return {name: Member(cloud, str(toolchain.kubectl()), name, vpcs[name]) for name in CLUSTERS}


@pytest.fixture(scope="module")
def authority():
    return mesh_objects.Authority()


def table(cloud, member):
    filters = {"vpc-id": member.vpc, "association.main": "true"}
    listed = [{"Name": name, "Values": [value]} for name, value in filters.items()]
    return cloud.client("ec2").describe_route_tables(Filters=listed)["RouteTables"][0]["RouteTableId"]


def test_a_service_gets_an_internal_network_load_balancer(cloud, members):
    for name, member in members.items():
        member.apply(mesh_objects.member(name, CLUSTERS[name], OTHER[name]))
    for member in members.values():
        host = eventually(lambda member=member: member.host)
        service = member.get("service", "clustermesh-apiserver")
        assert service["metadata"]["finalizers"] == ["service.kubernetes.io/load-balancer-cleanup"]
        listed = cloud.client("elbv2").describe_load_balancers()["LoadBalancers"]
        created = next(each for each in listed if each["DNSName"] == host)
        assert (created["Scheme"], created["Type"], created["VpcId"]) == ("internal", "network", member.vpc)


def test_a_clustermesh_apiserver_waits_for_its_certificates(members, authority):
    for member in members.values():
        pod = member.get("pods", "-l", "k8s-app=clustermesh-apiserver")["items"][0]
        assert pod["status"]["phase"] == "Pending"
        events = eventually(lambda member=member: member.get("events")["items"])
        messages = [event["message"] for event in events if event["reason"] == "FailedMount"]
        assert any(f'secret "{mesh_objects.SERVER}" not found' in message for message in messages)
    eventually(lambda: "no pod of clustermesh-apiserver is ready" in members["blue"].remote()["status"])
    for member in members.values():
        member.apply(mesh_objects.certificates(authority))
    for member in members.values():
        member.kubectl("rollout", "status", "deployment/clustermesh-apiserver", "--timeout=60s")


def test_every_missing_link_is_reported_until_all_exist(cloud, members):
    blue, green = members["blue"], members["green"]
    seen = blue.says("no such host")
    assert (seen["connected"], seen["ready"]) == (True, False)  # connected to its own cluster's copy
    names, ec2 = cloud.client("route53"), cloud.client("ec2")
    zone = names.create_hosted_zone(
        Name="mesh.cilium.io",
        CallerReference="mesh",
        VPC={"VPCRegion": "eu-central-1", "VPCId": blue.vpc},
        HostedZoneConfig={"PrivateZone": True, "Comment": ""},
    )["HostedZone"]["Id"]
    for member in members.values():
        target = {"HostedZoneId": "Z1", "DNSName": member.host, "EvaluateTargetHealth": False}
        record = {"Name": f"{member.name}.mesh.cilium.io", "Type": "A", "AliasTarget": target}
        changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    green.says("is not associated with")
    seen_by = {"VPCRegion": "eu-central-1", "VPCId": green.vpc}
    names.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=seen_by)
    blue.says("has no route to 10.2.")
    created = ec2.create_vpc_peering_connection(VpcId=blue.vpc, PeerVpcId=green.vpc)
    peering = created["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    for member, block in ((blue, "10.2.0.0/16"), (green, "10.1.0.0/16")):
        ec2.create_route(
            RouteTableId=table(cloud, member), DestinationCidrBlock=block, VpcPeeringConnectionId=peering
        )
    for member in members.values():
        seen = member.says("ready, ")
        assert (seen["connected"], seen["ready"]) == (True, True)
        assert seen["config"]["cluster-id"] == CLUSTERS[OTHER[member.name]]


def test_another_authority_is_not_trusted(members, authority):
    green = members["green"]
    green.apply(mesh_objects.certificates(mesh_objects.Authority()))
    members["blue"].says("x509: certificate signed by unknown authority")
    green.apply(mesh_objects.certificates(authority))
    members["blue"].says("ready, ")


def test_an_id_of_both_clusters_is_reported(members):
    config = mesh_objects.member("green", 1, "blue")[0]
    members["green"].apply([config])
    members["blue"].says("ClusterID 1 is not unique")
    members["green"].apply([mesh_objects.member("green", 2, "blue")[0]])
    members["blue"].says("ready, ")


def test_a_deleted_route_breaks_both_directions(cloud, members):
    ec2 = cloud.client("ec2")
    ec2.delete_route(RouteTableId=table(cloud, members["green"]), DestinationCidrBlock="10.1.0.0/16")
    for member in members.values():
        seen = member.says("has no route to 10.1.")
        assert seen["status"].startswith("KVStoreMesh: ")


def test_the_load_balancer_is_deleted_with_the_service(cloud, members):
    for member in members.values():
        assert member.kubectl("delete", "service", "clustermesh-apiserver", "--timeout=60s").returncode == 0
    assert cloud.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert cloud.client("elbv2").describe_target_groups()["TargetGroups"] == []


def test_none_of_it_was_a_fault(cloud):
    assert cloud.lines("faults.jsonl") == []
