"""Calls about managed node groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.eks import prerequisites, versions
from lab.cloud.eks.access import entries
from lab.cloud.eks.errors import InvalidParameterError, ResourceInUseError
from lab.cloud.eks.nodegroups import custom_image, ec2_resources, nodes, pod_limit, validation
from lab.cloud.eks.nodegroups.config_update import Changes
from lab.cloud.eks.nodegroups.rolling_update import Rotation, surge_of
from lab.cloud.eks.records.descriptions import new_id
from lab.cloud.eks.records.model import Nodegroup, issue
from lab.cloud.eks.records.store import nodegroup_of
from lab.cloud.eks.records.updates import Update
from lab.cloud.running_clusters import NodegroupProfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.eks.records.store import Store


class NodegroupCalls:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = store.environment

    def create_nodegroup(self, call: Call) -> Answer:
        """Accept a new node group, which is CREATING until its nodes are Ready."""
        cluster = self._store.active(call)
        with cluster.lock:
            name = call["nodegroupName"]
            if name in cluster.nodegroups:
                message = f"NodeGroup already exists with name {name} and cluster name {cluster.name}"
                raise ResourceInUseError(message, clusterName=cluster.name, nodegroupName=name)
            group = self._new_group(cluster, call)
            cluster.nodegroups[name] = group
            entries.add_node_role(self._environment, cluster, group.node_role)
        return {"nodegroup": group.describe()}

    def describe_nodegroup(self, call: Call) -> Answer:
        """Return a node group with the current sizes of its Auto Scaling group."""
        cluster = self._store.cluster(call)
        with cluster.lock:
            group = nodegroup_of(cluster, call["nodegroupName"])
            if group.group_name and group.status == "ACTIVE":
                self._look_at_capacity(cluster, group)
            return {"nodegroup": group.describe()}

    def list_nodegroups(self, call: Call) -> Answer:
        return {"nodegroups": sorted(self._store.cluster(call).nodegroups)}

    def delete_nodegroup(self, call: Call) -> Answer:
        """Accept the deletion of a node group: its nodes are drained, then terminated."""
        cluster = self._store.cluster(call)
        with cluster.lock:
            group = nodegroup_of(cluster, call["nodegroupName"])
            if group.status == "UPDATING":
                _refuse(group, "deleted while an update is in progress")
            if group.status != "DELETING":
                group.status = "DELETING"
                group.deadline = self._environment.now() + self._environment.timing.node_group_drain_timeout
            return {"nodegroup": group.describe()}

    def update_nodegroup_config(self, call: Call) -> Answer:
        """Change sizes, labels, taints, or the update and repair configuration."""
        validation.refuse_unsupported(call)
        cluster = self._store.active(call)
        with cluster.lock:
            group = self._updatable(cluster, call)
            changes = Changes.of(call, group)
            now = self._environment.now()
            update = Update(
                "ConfigUpdate", now, changes.parameters, now + self._environment.timing.node_group_update
            )
            update.finish = lambda: self._apply(cluster, group, changes)
            group.updates[update.identifier] = update
            group.status = "UPDATING"
        return {"update": update.describe()}

    def update_nodegroup_version(self, call: Call) -> Answer:
        """Update a node group to another Kubernetes version, AMI release or launch template version."""
        cluster = self._store.active(call)
        with cluster.lock:
            group = self._updatable(cluster, call)
            if group.ami_type == "CUSTOM" and (call.get("version") or call.get("releaseVersion")):
                message = "You cannot specify the field version or releaseVersion when using custom AMIs."
                raise InvalidParameterError(message)
            before, limit = group.shape, group.max_pods
            self._move(cluster, group, call)
            parameters = [("Version", group.version), ("ReleaseVersion", group.release_version or "")]
            update = Update("VersionUpdate", self._environment.now(), parameters, due=None)
            group.updates[update.identifier] = update
            if before == group.shape:
                update.status = "Successful"
            else:

                def revert() -> None:
                    group.shape, group.max_pods = before, limit

                self._start_rotation(cluster, group, update, revert, force=call.get("force", False))
        return {"update": update.describe()}

    def _look_at_capacity(self, cluster: Cluster, group: Nodegroup) -> None:
        sizes = ec2_resources.sizes(self._environment.aws(cluster.region), group)
        if sizes is None:
            message = f"We couldn't find the Auto Scaling group {group.group_name} of the managed node group."
            group.status = "DEGRADED"
            group.issues = [issue("AutoScalingGroupNotFound", message, group.group_name or "")]
        else:
            group.scaling = sizes

    def _new_group(self, cluster: Cluster, call: Call) -> Nodegroup:
        environment = self._environment
        aws = environment.aws(cluster.region)
        validation.refuse_unsupported(call)
        validation.check_labels(call.get("labels", {}))
        validation.check_instance_types(call.get("amiType", ""), call.get("instanceTypes", []))
        validation.check_taints(call.get("taints", []))
        _check_subnets(cluster, prerequisites.find_subnets(aws, call["subnets"]).vpc)
        prerequisites.check_role(aws, call["nodeRole"], "ec2.amazonaws.com")
        template, content = validation.launch_template(aws, call)
        custom = bool(content.get("ImageId"))
        version = call.get("version", cluster.version)
        versions.check_nodes(cluster.version, version)
        release = call.get("releaseVersion", versions.offered(version).release_version)
        now = environment.now()
        base = f"arn:aws:eks:{cluster.region}:{environment.account}:nodegroup"
        return Nodegroup(
            name=call["nodegroupName"],
            cluster=cluster.name,
            arn=f"{base}/{cluster.name}/{call['nodegroupName']}/{new_id()}",
            created_at=now,
            modified_at=now,
            version=version,
            release_version=content["ImageId"] if custom else release,
            capacity_type=call.get("capacityType", "ON_DEMAND"),
            scaling=validation.scaling(call.get("scalingConfig", {}), validation.DEFAULT_SCALING),
            instance_types=call.get("instanceTypes")
            or (None if content.get("InstanceType") else ["t3.medium"]),
            subnets=call["subnets"],
            ami_type="CUSTOM" if custom else call.get("amiType", "AL2023_x86_64_STANDARD"),
            node_role=call["nodeRole"],
            labels=dict(call.get("labels", {})),
            taints=list(call.get("taints", [])),
            disk_size=None if template else call.get("diskSize", 20),
            update_config=validation.update_config(call.get("updateConfig")),
            repair_config=validation.repair_config(call.get("nodeRepairConfig")),
            launch_template=template,
            tags=dict(call.get("tags", {})),
            deadline=now + environment.timing.node_group_create_timeout,
            max_pods=pod_limit.max_pods(call.get("amiType", "AL2023_x86_64_STANDARD"), content),
            boot=custom_image.boot_of(content) if custom else None,
        )

    def _updatable(self, cluster: Cluster, call: Call) -> Nodegroup:
        group = nodegroup_of(cluster, call["nodegroupName"])
        if group.status != "ACTIVE":
            _refuse(group, f"updated as it is currently not in Active state (it is {group.status})")
        return group

    def _move(self, cluster: Cluster, group: Nodegroup, call: Call) -> None:
        """Set the group's target version; its nodes follow in the rotation."""
        if call.get("launchTemplate"):
            if not group.launch_template:
                message = "A launch template cannot be given to a node group that was created without one"
                raise InvalidParameterError(message)
            aws = self._environment.aws(cluster.region)
            group.launch_template, content = validation.launch_template(aws, call)
            group.max_pods = pod_limit.max_pods(group.ami_type, content)
            if group.ami_type == "CUSTOM":
                group.boot, group.release_version = custom_image.boot_of(content), content.get("ImageId")
        if group.ami_type == "CUSTOM":
            return
        version = call.get("version", group.version)
        versions.check_nodes(cluster.version, version)
        # docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html, releaseVersion: the
        # newest release unless the call names one, whatever else it changes.
        group.release_version = call.get("releaseVersion") or versions.offered(version).release_version
        group.version = version

    def _start_rotation(
        self, cluster: Cluster, group: Nodegroup, update: Update, revert: Callable[[], None], *, force: bool
    ) -> None:
        aws = self._environment.aws(cluster.region)
        ec2_resources.new_template_version(aws, cluster, group)
        old = ec2_resources.members(aws, group)
        group.status = "UPDATING"
        group.rotation = Rotation(
            group=group,
            update=update,
            old=old,
            sizes=ec2_resources.sizes(aws, group) or group.scaling,
            surge=surge_of(group, len(old)),
            force=force,
            drain_timeout=self._environment.timing.node_group_drain_timeout,
            revert=revert,
        )

    def _apply(self, cluster: Cluster, group: Nodegroup, changes: Changes) -> None:
        if changes.scaling != group.scaling:
            ec2_resources.resize(self._environment.aws(cluster.region), group, changes.scaling)
        before = [nodes.kubernetes_taint(taint) for taint in group.taints]
        after = [nodes.kubernetes_taint(taint) for taint in changes.taints]
        if changes.node_labels or before != after:
            api = self._store.kubernetes(cluster)
            removed = [taint for taint in before if taint not in after]
            added = [taint for taint in after if taint not in before]
            for node in nodes.of_group(api, group.name):
                nodes.relabel(api, node, changes.node_labels, removed, added)
        group.scaling, group.labels, group.taints = changes.scaling, changes.labels, changes.taints
        group.update_config, group.repair_config = changes.update_config, changes.repair_config


def profile_of(cluster: Cluster, name: str) -> NodegroupProfile | None:
    """Return what a node group sets on its nodes, for the code that boots them; takes no lock."""
    group = cluster.nodegroups.get(name)
    if group is None:
        return None
    boot = group.boot
    taints = tuple(nodes.kubernetes_taint(taint) for taint in group.taints) if boot is None else boot.taints
    return NodegroupProfile(
        name=group.name,
        ami_type=group.ami_type,
        release_version=group.release_version or "",
        capacity_type=group.capacity_type,
        labels=dict(group.labels),
        taints=taints,
        max_pods=group.max_pods if boot is None else boot.max_pods,
        joins=boot is None or boot.joins(cluster.name, cluster.endpoint, cluster.certificate_authority),
    )


def _check_subnets(cluster: Cluster, vpc: str) -> None:
    if vpc != cluster.vpc["vpcId"]:
        message = f"Subnets must be in the VPC of the cluster, {cluster.vpc['vpcId']}"
        raise InvalidParameterError(message)


def _refuse(group: Nodegroup, what: str) -> None:
    message = f"Nodegroup {group.name} cannot be {what}"
    raise ResourceInUseError(message, clusterName=group.cluster, nodegroupName=group.name)
