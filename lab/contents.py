"""Progress lines, the contents of the lab as `python -m lab status` lists them, and its kubeconfig."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from lab import lifecycle
from lab.environment import Places, client_environment


def progress(line: str) -> None:
    """Print one line of progress to standard error; standard output is for results that may be piped."""
    print(f"  {line}", file=sys.stderr, flush=True)


def aws(places: Places, *words: str) -> Any:
    """Run the real AWS CLI against the lab and return its parsed answer.

    Raises:
        subprocess.CalledProcessError: the CLI failed; its message is in `stderr`.
    """
    command = [str(places.binaries / "aws"), *words, "--output", "json"]
    done = subprocess.run(command, env=client_environment(places), capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def clusters(places: Places) -> list[str]:
    return list(aws(places, "eks", "list-clusters")["clusters"])


def write_kubeconfig(places: Places) -> None:
    """Write the lab's kubeconfig with every ACTIVE cluster in it."""
    places.kubeconfig.unlink(missing_ok=True)
    for name in clusters(places):
        described = aws(places, "eks", "describe-cluster", "--name", name)["cluster"]
        if described["status"] == "ACTIVE":
            aws_words = ["eks", "update-kubeconfig", "--name", name, "--alias", name]
            _run_plain(places, aws_words)


def _run_plain(places: Places, words: list[str]) -> None:
    command = [str(places.binaries / "aws"), *words]
    subprocess.run(command, env=client_environment(places), capture_output=True, check=True)


def contents(places: Places) -> Iterator[str]:
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
