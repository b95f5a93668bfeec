"""What has to hold of clusters that are joined: read from both API servers, the agents, and the cloud.

Nothing here asks the program what it did. `lab.demo.mesh` and `lab.demo.mission` tell their story with it.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.demo.facts import Fact, kubectl
from lab.environment import Places, client_environment
from lab.report import aws

NAMESPACE = "kube-system"
API_SERVER = "clustermesh-apiserver"
DOMAIN = "mesh.cilium.io"


@dataclass(frozen=True)
class Member:
    """A cluster of the mesh: its name in EKS, in Cilium, and where it lies."""

    eks: str
    name: str
    vpc: str
    ranges: tuple[str, ...]


def member(places: Places, eks: str) -> Member:
    """Read one cluster; its kubeconfig context has the name of the EKS cluster."""
    described = aws(places, "eks", "describe-cluster", "--name", eks)["cluster"]["resourcesVpcConfig"]
    vpc = aws(places, "ec2", "describe-vpcs", "--vpc-ids", described["vpcId"])["Vpcs"][0]
    config = kubectl(places, eks, "get", "configmap", "cilium-config", "-n", NAMESPACE)["data"]
    ranges = [
        one["CidrBlock"]
        for one in vpc["CidrBlockAssociationSet"]
        if one["CidrBlockState"]["State"] == "associated"
    ]
    return Member(eks, config.get("cluster-name", "default"), vpc["VpcId"], tuple(ranges))


def mesh(places: Places, clusters: tuple[str, str]) -> Iterator[Fact]:
    """Yield what has to hold of two clusters that a mesh joins."""
    one, other = (member(places, eks) for eks in clusters)
    yield connected(places, one, other)
    yield named(places, one, other)
    yield trusted(places, one, other)
    for here, there in ((one, other), (other, one)):
        yield routes(places, here, there)
        yield let_in(places, here, there)
        yield internal(places, here)
        yield remote_cluster(places, here, there)
        yield seen(places, here, there)
        yield policies(places, here)


def connected(places: Places, one: Member, other: Member) -> Fact:
    """Tell whether a peering or a transit gateway joins the two VPCs."""
    both = {one.vpc, other.vpc}
    listed = aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]
    peerings = [
        each
        for each in listed
        if {each["RequesterVpcInfo"]["VpcId"], each["AccepterVpcInfo"]["VpcId"]} == both
    ]
    active = [each["VpcPeeringConnectionId"] for each in peerings if each["Status"]["Code"] == "active"]
    if active:
        return Fact("the two VPCs are peered", f"{active[0]} is active", holds=True)
    attached = aws(places, "ec2", "describe-transit-gateway-vpc-attachments")["TransitGatewayVpcAttachments"]
    hubs = [
        {
            each["TransitGatewayId"]
            for each in attached
            if each["VpcId"] == vpc and each["State"] == "available"
        }
        for vpc in (one.vpc, other.vpc)
    ]
    shared = sorted(hubs[0] & hubs[1])
    states = ", ".join(each["Status"]["Code"] for each in peerings) or "no peering and no transit gateway"
    told = f"transit gateway {shared[0]}" if shared else states
    return Fact("the two VPCs are joined", told, holds=bool(shared))


def routes(places: Places, here: Member, there: Member) -> Fact:
    """Tell whether every table that nodes of one cluster use has an active route to the other VPC."""
    tables = tables_of_nodes(places, here)
    missing = [
        f"{table['RouteTableId']} lacks {block}"
        for table in tables
        for block in there.ranges
        if not any(
            route.get("DestinationCidrBlock") == block and route["State"] == "active"
            for route in table["Routes"]
        )
    ]
    told = ", ".join(missing) or f"{len(tables)} of {len(tables)} tables"
    return Fact(f"{here.name} has routes to {there.name}", told, bool(tables) and not missing)


def tables_of_nodes(places: Places, cluster: Member) -> list[Any]:
    """The route tables of all subnets in which interfaces of the cluster's nodes lie."""
    filters = [f"Name=vpc-id,Values={cluster.vpc}"]
    interfaces = aws(places, "ec2", "describe-network-interfaces", "--filters", *filters)["NetworkInterfaces"]
    subnets = {each["SubnetId"] for each in interfaces if each.get("Attachment", {}).get("InstanceId")}
    listed = aws(places, "ec2", "describe-route-tables", "--filters", *filters)["RouteTables"]
    own = {each.get("SubnetId"): table for table in listed for each in table["Associations"]}
    main = [table for table in listed if any(each.get("Main") for each in table["Associations"])]
    used = [own.get(subnet, main[0]) for subnet in sorted(subnets)]
    return list({table["RouteTableId"]: table for table in used}.values())


def internal(places: Places, cluster: Member) -> Fact:
    """Tell whether the API server of the mesh is behind an internal Network Load Balancer."""
    sentence = f"{cluster.name}: load balancer internal"
    service = kubectl(places, cluster.eks, "get", "service", API_SERVER, "-n", NAMESPACE)
    ingress = service["status"]["loadBalancer"].get("ingress") or [{}]
    host = ingress[0].get("hostname", "")
    listed = aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]
    for each in listed:
        if host and each["DNSName"] == host:
            told = f"{each['Type']}, {each['Scheme']}, {each['State']['Code']}"
            return Fact(sentence, told, told == "network, internal, active")
    return Fact(sentence, f"no load balancer answers to {host or 'a name'}", holds=False)


def remote_cluster(places: Places, here: Member, there: Member) -> Fact:
    """Tell whether the Secrets of a cluster lead to the other one by its name in the private zone."""
    wanted = f"https://{there.name}.{DOMAIN}:2379"
    for secret in ("cilium-kvstoremesh", "cilium-clustermesh"):
        data = secret_data(places, here, secret)
        if wanted in data.get(there.name, ""):
            return Fact(f"{here.name} knows {there.name}", f"{secret}: {wanted}", holds=True)
    return Fact(f"{here.name} knows {there.name}", f"no Secret names {wanted}", holds=False)


def secret_data(places: Places, cluster: Member, name: str) -> dict[str, str]:
    """The texts in a Secret; none where there is no such Secret."""
    try:
        found = kubectl(places, cluster.eks, "get", "secret", name, "-n", NAMESPACE)
    except subprocess.CalledProcessError:
        return {}
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}


def seen(places: Places, here: Member, there: Member) -> Fact:
    """Tell whether every agent of a cluster is ready with the other one."""
    pods = kubectl(places, here.eks, "get", "pods", "-n", NAMESPACE, "-l", "k8s-app=cilium")["items"]
    troubles = [
        trouble for pod in pods if (trouble := trouble_with(places, here, pod["metadata"]["name"], there))
    ]
    told = troubles[0] if troubles else f"{len(pods)} of {len(pods)} agents ready"
    return Fact(f"{here.name} sees {there.name}", told, bool(pods) and not troubles)


def trouble_with(places: Places, here: Member, pod: str, there: Member) -> str:
    """What keeps one agent from being ready with the other cluster; empty when nothing does."""
    words = ["exec", "-n", NAMESPACE, pod, "-c", "cilium-agent", "--", "cilium", "status", "-o", "json"]
    command = [str(places.binaries / "kubectl"), "--context", here.eks, *words]
    done = subprocess.run(
        command, env=client_environment(places), capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip()
    clusters = json.loads(done.stdout)["cluster-mesh"]["clusters"]
    found = next((each for each in clusters if each["name"] == there.name), None)
    if found is None:
        return f"{pod} has not read of {there.name}"
    return "" if found["ready"] else f"{pod}: {found['status']}"


def policies(places: Places, cluster: Member) -> Fact:
    """Tell which CiliumNetworkPolicies a cluster holds."""
    stored = kubectl(places, cluster.eks, "get", "ciliumnetworkpolicies.cilium.io", "-A")["items"]
    names = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in stored]
    return Fact(f"{cluster.name}: policies stored", ", ".join(names) or "none", bool(names))


def let_in(places: Places, here: Member, there: Member) -> Fact:
    """Tell what nodes accept from the other network, and that it is not everything."""
    described = aws(places, "eks", "describe-cluster", "--name", here.eks)["cluster"]
    group = described["resourcesVpcConfig"]["clusterSecurityGroupId"]
    (found,) = aws(places, "ec2", "describe-security-groups", "--group-ids", group)["SecurityGroups"]
    opened = sorted(
        f"{rule['IpProtocol']}/{rule.get('FromPort')}"
        for rule in found["IpPermissions"]
        if any(each["CidrIp"] in there.ranges for each in rule["IpRanges"])
    )
    holds = {"tcp/4240", "icmp/8"} <= set(opened) and not any(each.startswith("-1") for each in opened)
    return Fact(f"{here.name}: only what is needed is open", ", ".join(opened) or "nothing", holds)


def named(places: Places, one: Member, other: Member) -> Fact:
    """Tell whether the private zone names both clusters and is asked by both VPCs."""
    zones = aws(places, "route53", "list-hosted-zones")["HostedZones"]
    ids = [zone["Id"] for zone in zones if zone["Name"] == f"{DOMAIN}."]
    if len(ids) != 1:
        return Fact("one private zone for the mesh", f"{len(ids)} zones", holds=False)
    records = aws(places, "route53", "list-resource-record-sets", "--hosted-zone-id", ids[0])
    names = {each["Name"] for each in records["ResourceRecordSets"] if each["Type"] == "A"}
    vpcs = {each["VPCId"] for each in aws(places, "route53", "get-hosted-zone", "--id", ids[0])["VPCs"]}
    wanted = {f"{each.name}.{DOMAIN}." for each in (one, other)}
    told = ", ".join(sorted(names))
    return Fact("names in a zone both VPCs ask", told, names == wanted and vpcs == {one.vpc, other.vpc})


def trusted(places: Places, one: Member, other: Member) -> Fact:
    """Tell whether both clusters trust the same authority, and have certificates of their own."""
    found = [
        kubectl(places, each.eks, "get", "secret", f"{API_SERVER}-server-cert", "-n", NAMESPACE)["data"]
        for each in (one, other)
    ]
    same = found[0]["ca.crt"] == found[1]["ca.crt"]
    different = found[0]["tls.key"] != found[1]["tls.key"]
    told = f"authority {'the same' if same else 'differs'}, keys {'differ' if different else 'the same'}"
    return Fact("one authority, a key for each cluster", told, same and different)


def gone(places: Places, left: str) -> Iterator[Fact]:
    """Yield what has to hold when everything was taken away and one cluster of somebody else's is left."""
    clusters = aws(places, "eks", "list-clusters")["clusters"]
    yield Fact("only the first cluster is left", ", ".join(clusters), clusters == [left])
    peerings = aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]
    active = [each for each in peerings if each["Status"]["Code"] != "deleted"]
    yield Fact("no peering", f"{len(active)} left", not active)
    balancers = aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]
    yield Fact("no load balancer", f"{len(balancers)} left", not balancers)
    zones = aws(places, "route53", "list-hosted-zones")["HostedZones"]
    yield Fact("no zone", f"{len(zones)} left", not zones)
    vpc = aws(places, "eks", "describe-cluster", "--name", left)["cluster"]["resourcesVpcConfig"]["vpcId"]
    vpcs = [each["VpcId"] for each in aws(places, "ec2", "describe-vpcs")["Vpcs"] if not each["IsDefault"]]
    yield Fact("no network but its own", ", ".join(vpcs), vpcs == [vpc])
    secrets = kubectl(places, left, "get", "secrets", "-n", NAMESPACE)["items"]
    names = [each["metadata"]["name"] for each in secrets if "mesh" in each["metadata"]["name"]]
    yield Fact("no certificate of the mesh", ", ".join(names) or "none left", not names)
