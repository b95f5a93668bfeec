"""What happens to a node group over time: its nodes join or fail to, are updated, drained and terminated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions

from lab.cloud.eks.access import entries
from lab.cloud.eks.nodegroups import ec2_resources, nodes
from lab.cloud.eks.records import updates
from lab.cloud.eks.records.model import issue

if TYPE_CHECKING:
    from lab.cloud.eks.records.model import Cluster, Nodegroup
    from lab.cloud.eks.records.store import Store

_NOT_JOINED = "Instances failed to join the kubernetes cluster"
_NOT_READY = "Unhealthy nodes in the kubernetes cluster"


def step(store: Store, cluster: Cluster, group: Nodegroup) -> None:
    """Advance a node group by what has happened in AWS and Kubernetes."""
    if group.status == "CREATING":
        _create(store, cluster, group)
    elif group.status == "UPDATING":
        _update(store, cluster, group)
    elif group.status == "DELETING":
        _delete(store, cluster, group)


def _create(store: Store, cluster: Cluster, group: Nodegroup) -> None:
    aws = store.environment.aws(cluster.region)
    if group.group_name is None:
        try:
            ec2_resources.create(aws, cluster, group)
        except botocore.exceptions.ClientError as error:
            _fail(group, "AsgInstanceLaunchFailures", str(error))
            return
    joined = nodes.of_group(store.kubernetes(cluster), group.name)
    ready = [node for node in joined if nodes.is_ready(node)]
    if len(ready) >= group.scaling["desiredSize"]:
        group.status = "ACTIVE"
    elif store.environment.now() > group.deadline:
        healthy = {nodes.instance_of(node) for node in ready}
        unhealthy = [i for i in ec2_resources.members(aws, group) if i not in healthy]
        _fail(group, "NodeCreationFailure", _NOT_READY if joined else _NOT_JOINED, *unhealthy)


def _fail(group: Nodegroup, code: str, message: str, *resources: str) -> None:
    group.status = "CREATE_FAILED"
    group.issues = [issue(code, message, *(resources or [group.group_name or group.name]))]


def _update(store: Store, cluster: Cluster, group: Nodegroup) -> None:
    now = store.environment.now()
    if group.rotation:
        if group.rotation.step(store.environment.aws(cluster.region), store.kubernetes(cluster), now):
            group.rotation = None
    else:
        updates.finish_due(group.updates, now)
    if not updates.in_progress(group.updates):
        group.status, group.modified_at = "ACTIVE", now


def _delete(store: Store, cluster: Cluster, group: Nodegroup) -> None:
    aws = store.environment.aws(cluster.region)
    if group.group_name and ec2_resources.sizes(aws, group) is not None:
        api = store.kubernetes(cluster)
        left = sum(nodes.drain_once(api, node) for node in nodes.of_group(api, group.name))
        if left and store.environment.now() < group.deadline:
            return
        ec2_resources.end_instances(aws, group)
        return
    if group.group_name and ec2_resources.instances_left(aws, group):
        return
    ec2_resources.delete_rest(aws, group)
    del cluster.nodegroups[group.name]
    entries.remove_node_role(cluster, group.node_role)
