"""What exists in the lab, as `python -m lab status` lists it."""

from collections.abc import Iterator

from lab import lifecycle
from lab.aws_cli import aws, clusters
from lab.environment import Places


def lines(places: Places) -> Iterator[str]:
    """Yield a line for each cluster, peering, transit gateway, load balancer and process."""
    for name in clusters(places):
        cluster = aws(places, "eks", "describe-cluster", "--name", name)["cluster"]
        facts = (name, cluster["status"], f"Kubernetes {cluster['version']}", cluster.get("endpoint", "-"))
        yield f"cluster    {'  '.join(facts)}"
    yield from _networks(places)
    for pid, program in lifecycle.processes(places):
        yield f"process    {pid:>7}  {program}"


def _networks(places: Places) -> Iterator[str]:
    for peering in aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]:
        state = peering["Status"]["Code"]
        peers = (peering["RequesterVpcInfo"]["VpcId"], peering["AccepterVpcInfo"]["VpcId"])
        if state != "deleted":
            yield f"peering    {peering['VpcPeeringConnectionId']}  {state}  {' - '.join(peers)}"
    attached = aws(places, "ec2", "describe-transit-gateway-vpc-attachments")["TransitGatewayVpcAttachments"]
    for gateway in aws(places, "ec2", "describe-transit-gateways")["TransitGateways"]:
        name = gateway["TransitGatewayId"]
        vpcs = [each["VpcId"] for each in attached if each["TransitGatewayId"] == name]
        yield f"transit    {name}  {gateway['State']}  {' - '.join(vpcs) or 'no VPC attached'}"
    for balancer in aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]:
        facts = (balancer["State"]["Code"], balancer["Scheme"], balancer["DNSName"])
        yield f"balancer   {'  '.join(facts)}"
    for balancer in aws(places, "elb", "describe-load-balancers")["LoadBalancerDescriptions"]:
        yield f"balancer   classic  {balancer['Scheme']}  {balancer['DNSName']}"
