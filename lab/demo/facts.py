"""What a demo reads back after `up`, with the plain clients an engineer would use: kubectl and the AWS CLI.

Nothing here asks the program or its outputs what it did; each fact comes from the API server or the cloud.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.environment import Places, client_environment
from lab.report import aws

STARTUP_TAINT = "node.cilium.io/agent-not-ready"


@dataclass(frozen=True)
class Fact:
    """A sentence about the cluster, what was read, and whether it is as it has to be."""

    sentence: str
    observed: str
    holds: bool


def kubectl(places: Places, context: str, *words: str) -> Any:
    """Run the real kubectl with an EKS token and return the object it prints."""
    command = [str(places.binaries / "kubectl"), "--context", context, *words, "-o", "json"]
    done = subprocess.run(command, env=client_environment(places), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def new_cluster(places: Places, cluster: str) -> Iterator[Fact]:
    """Yield what has to hold of a cluster that was born with Cilium as its only CNI."""
    nodes = kubectl(places, cluster, "get", "nodes")["items"]
    daemon_sets = {each["metadata"]["name"]: each for each in _system(places, cluster, "daemonsets")}
    deployments = {each["metadata"]["name"]: each for each in _system(places, cluster, "deployments")}
    add_ons = aws(places, "eks", "list-addons", "--cluster-name", cluster)["addons"]

    yield Fact("no aws-node DaemonSet", _names(daemon_sets), "aws-node" not in daemon_sets)
    yield Fact("no vpc-cni add-on", ", ".join(add_ons) or "no add-ons", "vpc-cni" not in add_ons)
    yield everywhere("Cilium", daemon_sets.get("cilium"), nodes)
    yield untainted(nodes)
    yield ready(nodes)
    yield available("CoreDNS", deployments.get("coredns"))


def everywhere(name: str, daemon_set: dict[str, Any] | None, nodes: list[Any]) -> Fact:
    """Tell whether a DaemonSet is wanted and ready on every node."""
    sentence = f"{name} desired == ready == nodes"
    if daemon_set is None:
        return Fact(sentence, "there is no such DaemonSet", holds=False)
    status = daemon_set["status"]
    desired, running = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    return Fact(sentence, f"{desired} == {running} == {len(nodes)}", 0 < desired == running == len(nodes))


def untainted(nodes: list[Any]) -> Fact:
    """Tell whether Cilium has taken its start-up taint off every node."""
    kept = [
        node["metadata"]["name"]
        for node in nodes
        if any(taint["key"] == STARTUP_TAINT for taint in node["spec"].get("taints", []))
    ]
    return Fact(
        "start-up taint gone from every node", ", ".join(kept) or f"0 of {len(nodes)} tainted", not kept
    )


def ready(nodes: list[Any]) -> Fact:
    """Tell whether every node is Ready."""
    count = sum(_condition(node, "Ready") == "True" for node in nodes)
    return Fact("every node Ready", f"{count} of {len(nodes)}", 0 < count == len(nodes))


def available(name: str, deployment: dict[str, Any] | None) -> Fact:
    """Tell whether a Deployment has all the replicas it wants."""
    if deployment is None:
        return Fact(f"{name} ready", "there is no such Deployment", holds=False)
    wanted = deployment["spec"]["replicas"]
    count = deployment["status"].get("readyReplicas", 0)
    return Fact(f"{name} ready", f"{count} of {wanted}", 0 < wanted == count)


def _system(places: Places, cluster: str, kind: str) -> list[Any]:
    return list(kubectl(places, cluster, "get", kind, "-n", "kube-system")["items"])


def _names(objects: dict[str, Any]) -> str:
    return ", ".join(sorted(objects)) or "none"


def _condition(node: dict[str, Any], wanted: str) -> str:
    conditions = node["status"].get("conditions", [])
    return next((str(each["status"]) for each in conditions if each["type"] == wanted), "Unknown")
