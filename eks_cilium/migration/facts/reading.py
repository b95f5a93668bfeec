"""Reads all facts of a cluster once: the Kubernetes API page by page, then EKS and Auto Scaling.

Called by `eks-cilium plan` and by the dynamic resources before they make a plan. It changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.pages.decoding import Shaped
from eks_cilium.cluster.load_balancers import balanced
from eks_cilium.cluster.objects import INSTANCE_TYPE, Reference, reference
from eks_cilium.migration.facts import groups, joining, nodes, pods, shapes, workloads
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.network import aws_node, chain, plugins, policies, subnets
from eks_cilium.migration.facts.own_pod import own_pod as own_pod_of
from eks_cilium.migration.facts.volumes import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import Kept, ReadingApi
    from eks_cilium.migration.facts.model import Cluster, Group, Node, Owner, Pod, Volume
    from eks_cilium.migration.facts.network.model import Network
    from eks_cilium.runtime.context import Report, World


def facts_of(world: World, report: Report, *, with_groups: bool = True, subnets: Iterable[str] = ()) -> Facts:
    """All facts of a run's cluster, read now; of Auto Scaling only where nodes are to be replaced."""
    return read(
        world.cluster,
        world.api,
        world.aws,
        own_pod=own_pod_of(world.environment),
        report=report,
        clock=world.time.now,
        with_groups=with_groups,
        more_subnets=tuple(subnets),
    )


def read(
    cluster_name: str,
    api: ReadingApi,
    aws: Callable[[str], Any],
    *,
    own_pod: Reference | None = None,
    report: Callable[[str], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    with_groups: bool = True,
    more_subnets: tuple[str, ...] = (),
) -> Facts:
    """Every fact a plan needs. `aws` returns the boto3 client of a service; `own_pod` runs this program.

    `with_groups` is for plans that replace nodes: Auto Scaling groups are then read while the pods are read,
    and their subnets with `more_subnets`, where the configuration has Cilium create interfaces.
    """
    eks = aws("eks")
    cluster = groups.cluster(eks, cluster_name)
    report("reading nodes and pods")
    known_nodes = _nodes(api)
    instances = [node.instance for node in known_nodes if node.instance] if with_groups else []
    with ThreadPoolExecutor(1) as executor:
        asked = executor.submit(_groups_and_network, aws, cluster, known_nodes, instances, more_subnets)
        known_pods = _kept(api.each("/api/v1/pods", Shaped(shapes.Pod, _with_shared_labels())))
    report(f"read {len(known_nodes)} nodes and {len(known_pods)} pods; reading workloads, budgets, volumes")
    owners, (known_groups, network) = _owners(api), asked.result()
    return Facts(
        cluster=cluster,
        nodes=known_nodes,
        pods=tuple(known_pods),
        budgets=tuple(api.each("/apis/policy/v1/poddisruptionbudgets", Shaped(shapes.Budget, pods.budget))),
        owners=owners,
        claims={
            claim.reference: claim
            for claim in api.each("/api/v1/persistentvolumeclaims", Shaped(shapes.Whole, storage.claim))
        },
        volumes=_volumes(api),
        groups=known_groups,
        add_on=groups.add_on(eks, cluster_name),
        aws_node=aws_node.read(api),
        security_group_policies=tuple(
            api.each(
                "/apis/vpcresources.k8s.aws/v1beta1/securitygrouppolicies",
                lambda obj: reference("SecurityGroupPolicy", obj),
            )
        ),
        autoscaler=next(filter(workloads.is_autoscaler, owners), None),
        load_balancers=balanced(api),
        chained=chain.is_chained(api),
        network=network,
        policies=policies.read(api),
        cni_plugins=plugins.read(api),
        cilium=chain.choices(api),
        read_at=clock(),
        join_seconds=joining.seconds(aws("ec2"), known_nodes) if with_groups else (),
        own_pod=own_pod,
    )


def _groups_and_network(
    aws: Callable[[str], Any],
    cluster: Cluster,
    known_nodes: Iterable[Node],
    instances: list[str],
    more_subnets: tuple[str, ...],
) -> tuple[tuple[Group, ...], Network]:
    """Without instances nothing is asked but the networks of the VPC."""
    if not instances:
        return (), subnets.read(aws("ec2"), cluster.vpc, (), ())
    known = groups.groups(aws("autoscaling"), aws("eks"), cluster.name, instances)
    of_groups = (*more_subnets, *(subnet for group in known for subnet in group.subnets))
    types = (kind for node in known_nodes if node.instance and (kind := node.labels.get(INSTANCE_TYPE)))
    return known, subnets.read(aws("ec2"), cluster.vpc, of_groups, types)


def _with_shared_labels() -> Callable[[Object], Pod | None]:
    """Pods as `pods.pod` makes them; those of a workload have one set of labels in memory together."""
    known: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def pod(obj: Object) -> Pod | None:
        metadata = obj["metadata"]
        if labels := metadata.get("labels"):
            shared = known.setdefault(tuple(labels.items()), labels)
            obj = {**obj, "metadata": {**metadata, "labels": shared}}
        return pods.pod(obj)

    return pod


def _nodes(api: ReadingApi) -> tuple[Node, ...]:
    limits = dict(api.each("/apis/storage.k8s.io/v1/csinodes", Shaped(shapes.Whole, nodes.volume_limits)))
    return tuple(api.each("/api/v1/nodes", Shaped(shapes.Node, lambda obj: nodes.node(obj, limits))))


def _owners(api: ReadingApi) -> Mapping[Reference, Owner]:
    found = {}
    for kind, path in workloads.PATHS.items():
        for owner in _kept(api.each(path, Shaped(shapes.Workload, partial(workloads.current_owner, kind)))):
            found[owner.reference] = owner
    return found


def _volumes(api: ReadingApi) -> Mapping[str, Volume]:
    attached: dict[str, list[str]] = defaultdict(list)
    found = api.each("/apis/storage.k8s.io/v1/volumeattachments", Shaped(shapes.Whole, storage.attachment))
    for name, node in _kept(found):
        attached[name].append(node)
    volume = Shaped(shapes.Whole, lambda obj: storage.volume(obj, attached))
    bound = _kept(api.each("/api/v1/persistentvolumes", volume))
    return {each.name: each for each in bound}


def _kept(items: Iterable[Kept | None]) -> list[Kept]:
    return [item for item in items if item is not None]
