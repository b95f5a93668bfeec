"""Checks of a new cluster, made with the clients an engineer would use: kubectl and the AWS CLI.

No check reads the program's outputs. The demos and the end-to-end tests run them after `up`.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.aws_cli import aws
from lab.environment import Places, client_environment

STARTUP_TAINT = "node.cilium.io/agent-not-ready"


@dataclass(frozen=True)
class Check:
    """One expectation of a cluster: what it says, what was observed, and whether it is met."""

    description: str
    observed: str
    passed: bool


def kubectl(places: Places, context: str, *words: str) -> Any:
    """Run the real kubectl with an EKS token and return the object it prints."""
    command = [str(places.binaries / "kubectl"), "--context", context, *words, "-o", "json"]
    done = subprocess.run(command, env=client_environment(places), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def new_cluster(places: Places, cluster: str) -> Iterator[Check]:
    """Yield what has to be true of a cluster whose only CNI has always been Cilium."""
    nodes = kubectl(places, cluster, "get", "nodes")["items"]
    daemon_sets = {each["metadata"]["name"]: each for each in _system(places, cluster, "daemonsets")}
    deployments = {each["metadata"]["name"]: each for each in _system(places, cluster, "deployments")}
    add_ons = aws(places, "eks", "list-addons", "--cluster-name", cluster)["addons"]

    yield Check("no aws-node DaemonSet", _names(daemon_sets), "aws-node" not in daemon_sets)
    yield Check("no vpc-cni add-on", ", ".join(add_ons) or "no add-ons", "vpc-cni" not in add_ons)
    yield on_every_node("Cilium", daemon_sets.get("cilium"), nodes)
    yield untainted(nodes)
    yield ready(nodes)
    yield available("CoreDNS", deployments.get("coredns"))


def on_every_node(name: str, daemon_set: dict[str, Any] | None, nodes: list[Any]) -> Check:
    """Check that a DaemonSet is scheduled and ready on every node."""
    description = f"{name} desired == ready == nodes"
    if daemon_set is None:
        return Check(description, "no such DaemonSet", passed=False)
    status = daemon_set["status"]
    desired, running = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    return Check(description, f"{desired} == {running} == {len(nodes)}", 0 < desired == running == len(nodes))


def untainted(nodes: list[Any]) -> Check:
    """Check that Cilium has removed its start-up taint from every node."""
    tainted = [
        node["metadata"]["name"]
        for node in nodes
        if any(taint["key"] == STARTUP_TAINT for taint in node["spec"].get("taints", []))
    ]
    return Check(
        "start-up taint removed from every node",
        ", ".join(tainted) or f"0 of {len(nodes)} tainted",
        not tainted,
    )


def ready(nodes: list[Any]) -> Check:
    count = sum(_condition(node, "Ready") == "True" for node in nodes)
    return Check("every node Ready", f"{count} of {len(nodes)}", 0 < count == len(nodes))


def available(name: str, deployment: dict[str, Any] | None) -> Check:
    """Check that a Deployment has all its replicas ready."""
    if deployment is None:
        return Check(f"{name} ready", "no such Deployment", passed=False)
    wanted = deployment["spec"]["replicas"]
    count = deployment["status"].get("readyReplicas", 0)
    return Check(f"{name} ready", f"{count} of {wanted}", 0 < wanted == count)


def _system(places: Places, cluster: str, kind: str) -> list[Any]:
    return list(kubectl(places, cluster, "get", kind, "-n", "kube-system")["items"])


def _names(objects: dict[str, Any]) -> str:
    return ", ".join(sorted(objects)) or "none"


def _condition(node: dict[str, Any], wanted: str) -> str:
    conditions = node["status"].get("conditions", [])
    return next((str(each["status"]) for each in conditions if each["type"] == wanted), "Unknown")
