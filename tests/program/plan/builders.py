"""Builds facts: nodes in an Auto Scaling group, workloads with their pods, budgets, volumes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from eks_cilium.cluster.objects import ZONE, Reference
from eks_cilium.cluster.selectors import Requirement, selector
from eks_cilium.migration.facts.model import (
    Budget,
    Claim,
    Cluster,
    Facts,
    Group,
    Instance,
    Node,
    Owner,
    Pod,
    Volume,
)
from eks_cilium.migration.facts.network.model import AwsNode
from eks_cilium.migration.plan.model import NodePlan

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")


def zone_of(number: int) -> str:
    return ZONES[number % len(ZONES)]


def node(number: int, **changes: Any) -> Node:
    zone = changes.pop("zone", zone_of(number))
    labels = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": f"node-{number}",
        ZONE: zone,
        "cni-plugin": "aws",
    }
    given = Node(name=f"node-{number}", uid=f"uid-{number}", instance=f"i-{number}", zone=zone, labels=labels)
    more = changes.pop("labels", {})
    return replace(given, labels={**labels, **more}, **changes)


def group(nodes: Iterable[Node], name: str = "workers", **changes: Any) -> Group:
    members = tuple(Instance(node.instance or "", node.zone or "") for node in nodes)
    given = Group(
        name=name, minimum=1, maximum=len(members) + 5, desired=len(members), zones=ZONES, instances=members
    )
    return replace(given, **changes)


class World:
    """A cluster to which tests add pods, workloads, budgets and volumes, and then ask for its facts."""

    def __init__(self, nodes: int = 3, **changes: Any) -> None:
        self.nodes = [node(number) for number in range(nodes)]
        self.groups: list[Group] | None = None
        self.pods: list[Pod] = []
        self.budgets: list[Budget] = []
        self.owners: dict[Reference, Owner] = {}
        self.claims: dict[Reference, Claim] = {}
        self.volumes: dict[str, Volume] = {}
        self.changes = changes

    def facts(self) -> Facts:
        given = Facts(
            cluster=Cluster("shop", "1.34"),
            nodes=tuple(self.nodes),
            pods=tuple(self.pods),
            budgets=tuple(self.budgets),
            owners=self.owners,
            claims=self.claims,
            volumes=self.volumes,
            groups=tuple(self.groups if self.groups is not None else [group(self.nodes)]),
            aws_node=AwsNode(desired=len(self.nodes), ready=len(self.nodes)),
            read_at=NOW,
        )
        return replace(given, **self.changes)

    def owner(
        self, kind: str, name: str, desired: int | None = None, above: Reference | None = None
    ) -> Owner:
        reference = Reference(kind, "shop", name)
        self.owners[reference] = Owner(reference, desired=desired, ready=desired or 0, owner=above)
        return self.owners[reference]

    def pod(self, name: str, on: int = 0, owner: Owner | None = None, **changes: Any) -> Pod:
        given = Pod("shop", name, f"uid-of-{name}", f"node-{on}", owner=owner.reference if owner else None)
        created = replace(given, **changes)
        self.pods.append(created)
        return created

    def deployment(self, name: str, on: Iterable[int], **changes: Any) -> list[Pod]:
        """A Deployment with a pod on each of the nodes, and `app: NAME` on its pods."""
        places = list(on)
        above = self.owner("Deployment", name, len(places))
        owner = self.owner("ReplicaSet", f"{name}-5d9", len(places), above.reference)
        changes.setdefault("labels", {"app": name})
        return [
            self.pod(f"{name}-5d9-{index}", place, owner, **changes) for index, place in enumerate(places)
        ]

    def budget(self, name: str, app: str | None = None, **changes: Any) -> Budget:
        """A budget for the pods of an app, with the status its controller would give it."""
        chosen = {"matchLabels": {"app": app}} if app else {}
        covered = [pod for pod in self.pods if selector(chosen).matches(pod.labels)]  # type: ignore[union-attr]
        healthy = sum(pod.ready and not pod.deleted for pod in covered)
        given = Budget("shop", name, selector(chosen), expected_pods=len(covered), current_healthy=healthy)
        if "desired_healthy" in changes and "disruptions_allowed" not in changes:
            changes["disruptions_allowed"] = max(healthy - changes["desired_healthy"], 0)
        created = replace(given, **changes)
        self.budgets.append(created)
        return created

    def volume(self, pod: Pod, zone: str | None, **changes: Any) -> Volume:
        """A volume for a pod's claim, bound to a zone."""
        (name,) = pod.claims
        claim = Reference("PersistentVolumeClaim", "shop", name)
        self.claims[claim] = Claim(claim, "Bound", f"pv-{name}")
        terms = ((Requirement(ZONE, "In", (zone,)),),) if zone else ()
        given = Volume(f"pv-{name}", claim, "ebs.csi.aws.com", terms, attached_to=(pod.node,))
        self.volumes[given.name] = replace(given, **changes)
        return self.volumes[given.name]


def can_be_drained(node: NodePlan) -> bool:
    return not any(pod.verdict.blocks_drain for pod in node.pods)


def labels(**given: str) -> Mapping[str, str]:
    return given
