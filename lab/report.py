"""What the lab tells about itself: progress lines, its contents, a kubeconfig of its clusters."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from lab import lifecycle
from lab.environment import Places, client_environment


def progress(line: str) -> None:
    """Print one line of progress to standard error, so that `env` and `output` stay clean to pipe."""
    print(f"  {line}", file=sys.stderr, flush=True)


def aws(places: Places, *words: str) -> Any:
    """Run the real AWS CLI against the lab and return its parsed answer.

    Raises:
        subprocess.CalledProcessError: the CLI was refused; its own message is in `stderr`.
    """
    command = [str(places.binaries / "aws"), *words, "--output", "json"]
    done = subprocess.run(command, env=client_environment(places), capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def clusters(places: Places) -> list[str]:
    """Return the names of the lab's EKS clusters."""
    return list(aws(places, "eks", "list-clusters")["clusters"])


def write_kubeconfig(places: Places) -> None:
    """Write the kubeconfig that `KUBECONFIG` of the lab names, with every active cluster in it."""
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
    """Yield a line for each cluster, what joins their networks, their load balancers, and each process."""
    for name in clusters(places):
        cluster = aws(places, "eks", "describe-cluster", "--name", name)["cluster"]
        facts = (name, cluster["status"], f"Kubernetes {cluster['version']}", cluster.get("endpoint", "-"))
        yield f"cluster    {'  '.join(facts)}"
    yield from _networks(places)
    for pid, program in lifecycle.processes(places):
        yield f"process    {pid:>7}  {program}"


def _networks(places: Places) -> Iterator[str]:
    """Yield a line for each peering, transit gateway and load balancer that is there."""
    for peering in aws(places, "ec2", "describe-vpc-peering-connections")["VpcPeeringConnections"]:
        state = peering["Status"]["Code"]
        sides = (peering["RequesterVpcInfo"]["VpcId"], peering["AccepterVpcInfo"]["VpcId"])
        if state != "deleted":
            yield f"peering    {peering['VpcPeeringConnectionId']}  {state}  {' - '.join(sides)}"
    attached = aws(places, "ec2", "describe-transit-gateway-vpc-attachments")["TransitGatewayVpcAttachments"]
    for gateway in aws(places, "ec2", "describe-transit-gateways")["TransitGateways"]:
        name = gateway["TransitGatewayId"]
        vpcs = [each["VpcId"] for each in attached if each["TransitGatewayId"] == name]
        yield f"transit    {name}  {gateway['State']}  {' - '.join(vpcs) or 'nothing attached'}"
    for balancer in aws(places, "elbv2", "describe-load-balancers")["LoadBalancers"]:
        facts = (balancer["State"]["Code"], balancer["Scheme"], balancer["DNSName"])
        yield f"balancer   {'  '.join(facts)}"
    for balancer in aws(places, "elb", "describe-load-balancers")["LoadBalancerDescriptions"]:
        yield f"balancer   classic  {balancer['Scheme']}  {balancer['DNSName']}"
