"""Checks of two joined clusters, read from both API servers, the Cilium agents, and AWS.

No check reads the program's outputs. The demos of the mesh and the end-to-end tests run them after `up`.
"""

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.aws_cli import aws
from lab.demo.checks import Check, kubectl
from lab.environment import Places, client_environment

NAMESPACE = "kube-system"
API_SERVER = "clustermesh-apiserver"
DOMAIN = "mesh.cilium.io"
TUNNELS = {"vxlan": "udp/8472", "geneve": "udp/6081"}


@dataclass(frozen=True)
class Member:
    """A cluster of the mesh."""

    eks: str
    """Its name in EKS, which is also its kubectl context."""
    name: str
    """Its name in Cilium."""
    vpc: str
    ranges: tuple[str, ...]
    tunnel: str = ""
    """The port of the tunnels between nodes, such as udp/8472; empty where the VPC routes pods' addresses."""


def member(places: Places, eks: str) -> Member:
    described = aws(places, "eks", "describe-cluster", "--name", eks)["cluster"]["resourcesVpcConfig"]
    vpc = aws(places, "ec2", "describe-vpcs", "--vpc-ids", described["vpcId"])["Vpcs"][0]
    config = kubectl(places, eks, "get", "configmap", "cilium-config", "-n", NAMESPACE)["data"]
    ranges = [
        each["CidrBlock"]
        for each in vpc["CidrBlockAssociationSet"]
        if each["CidrBlockState"]["State"] == "associated"
    ]
    tunnel = TUNNELS[config["tunnel-protocol"]] if config.get("routing-mode") == "tunnel" else ""
    return Member(eks, config.get("cluster-name", "default"), vpc["VpcId"], tuple(ranges), tunnel)


def mesh(places: Places, clusters: tuple[str, str]) -> Iterator[Check]:
    """Yield what has to be true of two clusters that a mesh joins."""
    first, second = (member(places, eks) for eks in clusters)
    yield vpcs_joined(places, first, second)
    yield names_resolve(places, first, second)
    yield same_authority(places, first, second)
    for local, remote in ((first, second), (second, first)):
        yield routes(places, local, remote)
        yield ports_open(places, local, remote)
        yield internal_load_balancer(places, local)
        yield remote_configured(places, local, remote)
        yield agents_connected(places, local, remote)
        yield policies_stored(places, local)


def vpcs_joined(places: Places, first: Member, second: Member) -> Check:
    """Check that a peering or a transit gateway joins the two VPCs."""
    both = {first.vpc, second.vpc}
    listed = aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]
    peerings = [
        each
        for each in listed
        if {each["RequesterVpcInfo"]["VpcId"], each["AccepterVpcInfo"]["VpcId"]} == both
    ]
    active = [each["VpcPeeringConnectionId"] for each in peerings if each["Status"]["Code"] == "active"]
    if active:
        return Check("the two VPCs are peered", f"{active[0]} is active", passed=True)
    attached = aws(places, "ec2", "describe-transit-gateway-vpc-attachments")["TransitGatewayVpcAttachments"]
    hubs = [
        {
            each["TransitGatewayId"]
            for each in attached
            if each["VpcId"] == vpc and each["State"] == "available"
        }
        for vpc in (first.vpc, second.vpc)
    ]
    shared = sorted(hubs[0] & hubs[1])
    states = ", ".join(each["Status"]["Code"] for each in peerings) or "no peering and no transit gateway"
    observed = f"transit gateway {shared[0]}" if shared else states
    return Check("the two VPCs are joined", observed, passed=bool(shared))


def routes(places: Places, local: Member, remote: Member) -> Check:
    """Check that every route table of the local nodes' subnets has active routes to the remote VPC."""
    tables = node_route_tables(places, local)
    missing = [
        f"{table['RouteTableId']} lacks {block}"
        for table in tables
        for block in remote.ranges
        if not any(
            route.get("DestinationCidrBlock") == block and route["State"] == "active"
            for route in table["Routes"]
        )
    ]
    observed = ", ".join(missing) or f"{len(tables)} of {len(tables)} tables"
    return Check(f"{local.name} has routes to {remote.name}", observed, bool(tables) and not missing)


def node_route_tables(places: Places, cluster: Member) -> list[Any]:
    """Return the route tables of all subnets that hold network interfaces of the cluster's nodes."""
    filters = [f"Name=vpc-id,Values={cluster.vpc}"]
    interfaces = aws(places, "ec2", "describe-network-interfaces", "--filters", *filters)["NetworkInterfaces"]
    subnets = {each["SubnetId"] for each in interfaces if each.get("Attachment", {}).get("InstanceId")}
    listed = aws(places, "ec2", "describe-route-tables", "--filters", *filters)["RouteTables"]
    own = {each.get("SubnetId"): table for table in listed for each in table["Associations"]}
    main = [table for table in listed if any(each.get("Main") for each in table["Associations"])]
    used = [own.get(subnet, main[0]) for subnet in sorted(subnets)]
    return list({table["RouteTableId"]: table for table in used}.values())


def internal_load_balancer(places: Places, cluster: Member) -> Check:
    """Check that clustermesh-apiserver is behind an internal Network Load Balancer."""
    description = f"{cluster.name}: load balancer is internal"
    service = kubectl(places, cluster.eks, "get", "service", API_SERVER, "-n", NAMESPACE)
    ingress = service["status"]["loadBalancer"].get("ingress") or [{}]
    host = ingress[0].get("hostname", "")
    listed = aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]
    for each in listed:
        if host and each["DNSName"] == host:
            observed = f"{each['Type']}, {each['Scheme']}, {each['State']['Code']}"
            return Check(description, observed, observed == "network, internal, active")
    return Check(
        description,
        f"no load balancer has the DNS name {host}" if host else "the Service has no hostname",
        passed=False,
    )


def remote_configured(places: Places, local: Member, remote: Member) -> Check:
    """Check that a Secret of the local cluster names the remote one's endpoint in the private zone."""
    wanted = f"https://{remote.name}.{DOMAIN}:2379"
    for secret in ("cilium-kvstoremesh", "cilium-clustermesh"):
        data = secret_data(places, local, secret)
        if wanted in data.get(remote.name, ""):
            return Check(
                f"{local.name} is configured to reach {remote.name}", f"{secret}: {wanted}", passed=True
            )
    return Check(
        f"{local.name} is configured to reach {remote.name}", f"no Secret contains {wanted}", passed=False
    )


def secret_data(places: Places, cluster: Member, name: str) -> dict[str, str]:
    """Return the decoded data of a Secret; empty where the Secret does not exist."""
    try:
        found = kubectl(places, cluster.eks, "get", "secret", name, "-n", NAMESPACE)
    except subprocess.CalledProcessError:
        return {}
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}


def agents_connected(places: Places, local: Member, remote: Member) -> Check:
    """Check that every agent of the local cluster is connected to the remote one."""
    pods = kubectl(places, local.eks, "get", "pods", "-n", NAMESPACE, "-l", "k8s-app=cilium")["items"]
    problems = [
        problem
        for pod in pods
        if (problem := connection_problem(places, local, pod["metadata"]["name"], remote))
    ]
    observed = problems[0] if problems else f"{len(pods)} of {len(pods)} agents"
    return Check(f"{local.name}: agents connected to {remote.name}", observed, bool(pods) and not problems)


def connection_problem(places: Places, local: Member, pod: str, remote: Member) -> str:
    """Return why one agent is not connected to the remote cluster; empty when it is."""
    words = ["exec", "-n", NAMESPACE, pod, "-c", "cilium-agent", "--", "cilium", "status", "-o", "json"]
    command = [str(places.binaries / "kubectl"), "--context", local.eks, *words]
    done = subprocess.run(
        command, env=client_environment(places), capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip()
    clusters = json.loads(done.stdout)["cluster-mesh"]["clusters"]
    found = next((each for each in clusters if each["name"] == remote.name), None)
    if found is None:
        return f"{pod} does not list {remote.name}"
    return "" if found["ready"] else f"{pod}: {found['status']}"


def policies_stored(places: Places, cluster: Member) -> Check:
    """Check that a cluster holds CiliumNetworkPolicies, and list them."""
    stored = kubectl(places, cluster.eks, "get", "ciliumnetworkpolicies.cilium.io", "-A")["items"]
    names = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in stored]
    return Check(f"{cluster.name}: policies exist", ", ".join(names) or "none", bool(names))


def ports_open(places: Places, local: Member, remote: Member) -> Check:
    """Check that nodes accept what the mesh needs from the remote VPC, but not every protocol."""
    described = aws(places, "eks", "describe-cluster", "--name", local.eks)["cluster"]
    group = described["resourcesVpcConfig"]["clusterSecurityGroupId"]
    (found,) = aws(places, "ec2", "describe-security-groups", "--group-ids", group)["SecurityGroups"]
    opened = sorted(
        f"{rule['IpProtocol']}/{rule.get('FromPort')}"
        for rule in found["IpPermissions"]
        if any(each["CidrIp"] in remote.ranges for each in rule["IpRanges"])
    )
    needed = {"tcp/4240", "icmp/8", *filter(None, [local.tunnel])}
    passed = needed <= set(opened) and not any(each.startswith("-1") for each in opened)
    return Check(f"{local.name}: only the needed ports are open", ", ".join(opened) or "nothing", passed)


def names_resolve(places: Places, first: Member, second: Member) -> Check:
    """Check that the private zone has a record for each cluster and is associated with both VPCs."""
    zones = aws(places, "route53", "list-hosted-zones")["HostedZones"]
    ids = [zone["Id"] for zone in zones if zone["Name"] == f"{DOMAIN}."]
    if len(ids) != 1:
        return Check("one private zone for the mesh", f"{len(ids)} zones", passed=False)
    records = aws(places, "route53", "list-resource-record-sets", "--hosted-zone-id", ids[0])
    names = {each["Name"] for each in records["ResourceRecordSets"] if each["Type"] == "A"}
    vpcs = {each["VPCId"] for each in aws(places, "route53", "get-hosted-zone", "--id", ids[0])["VPCs"]}
    wanted = {f"{each.name}.{DOMAIN}." for each in (first, second)}
    observed = ", ".join(sorted(names))
    return Check(
        "both VPCs resolve the names of the mesh",
        observed,
        names == wanted and vpcs == {first.vpc, second.vpc},
    )


def same_authority(places: Places, first: Member, second: Member) -> Check:
    """Check that both clusters trust the same certificate authority and use different keys."""
    found = [
        kubectl(places, each.eks, "get", "secret", f"{API_SERVER}-server-cert", "-n", NAMESPACE)["data"]
        for each in (first, second)
    ]
    same = found[0]["ca.crt"] == found[1]["ca.crt"]
    different = found[0]["tls.key"] != found[1]["tls.key"]
    observed = f"{'same CA' if same else 'CAs differ'}, {'keys differ' if different else 'same key'}"
    return Check("one certificate authority, a key for each cluster", observed, same and different)


def removed(places: Places, remaining: str) -> Iterator[Check]:
    """Yield what has to be true after the mesh and all clusters but `remaining` were destroyed."""
    clusters = aws(places, "eks", "list-clusters")["clusters"]
    yield Check("only the first cluster is left", ", ".join(clusters), clusters == [remaining])
    peerings = aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]
    active = [each for each in peerings if each["Status"]["Code"] != "deleted"]
    yield Check("no peering", f"{len(active)} left", not active)
    balancers = aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]
    yield Check("no load balancer", f"{len(balancers)} left", not balancers)
    zones = aws(places, "route53", "list-hosted-zones")["HostedZones"]
    yield Check("no private zone", f"{len(zones)} left", not zones)
    vpc = aws(places, "eks", "describe-cluster", "--name", remaining)["cluster"]["resourcesVpcConfig"][
        "vpcId"
    ]
    vpcs = [each["VpcId"] for each in aws(places, "ec2", "describe-vpcs")["Vpcs"] if not each["IsDefault"]]
    yield Check("no VPC but its own", ", ".join(vpcs), vpcs == [vpc])
    secrets = kubectl(places, remaining, "get", "secrets", "-n", NAMESPACE)["items"]
    names = [each["metadata"]["name"] for each in secrets if "mesh" in each["metadata"]["name"]]
    yield Check("no certificate of the mesh", ", ".join(names) or "none left", not names)
