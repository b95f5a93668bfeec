"""The EC2 resources of a managed node group: instance profile, launch template and Auto Scaling group.

EKS does not use the caller's launch template itself. It copies the template, adds what it needs (image,
security group, instance profile) and uses the copy. Names and tags are AWS's, since tools find the resources
by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.eks.aws_clients import ignoring_absence
from lab.cloud.eks.records.descriptions import new_id
from lab.cloud.node_images import image_id

if TYPE_CHECKING:
    from lab.cloud.eks.aws_clients import AwsClients
    from lab.cloud.eks.records.model import Cluster, Nodegroup


def create(aws: AwsClients, cluster: Cluster, group: Nodegroup) -> None:
    """Create the three resources; the Auto Scaling group launches its instances from then on."""
    suffix = new_id()
    profile = f"eks-{suffix}"
    aws.iam.create_instance_profile(InstanceProfileName=profile)
    group.profile = profile
    aws.iam.add_role_to_instance_profile(
        InstanceProfileName=profile, RoleName=group.node_role.rpartition("/")[2]
    )
    template = aws.ec2.create_launch_template(
        LaunchTemplateName=profile,
        LaunchTemplateData=_template_data(aws, cluster, group),
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": _own_tags(group)}],
    )["LaunchTemplate"]
    group.template_id = template["LaunchTemplateId"]
    name = f"eks-{group.name}-{suffix}"
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchTemplate={"LaunchTemplateId": group.template_id, "Version": group.template_version},
        MinSize=group.scaling["minSize"],
        MaxSize=group.scaling["maxSize"],
        DesiredCapacity=group.scaling["desiredSize"],
        VPCZoneIdentifier=",".join(group.subnets),
        TerminationPolicies=["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        Tags=_group_tags(group, name),
    )
    group.group_name = name


def new_template_version(aws: AwsClients, cluster: Cluster, group: Nodegroup) -> None:
    """Add a version to EKS's copy of the launch template with the group's current settings, and use it."""
    assert group.template_id
    version = aws.ec2.create_launch_template_version(
        LaunchTemplateId=group.template_id,
        LaunchTemplateData=_template_data(aws, cluster, group),
    )["LaunchTemplateVersion"]
    group.template_version = str(version["VersionNumber"])
    aws.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=group.group_name,
        LaunchTemplate={"LaunchTemplateId": group.template_id, "Version": group.template_version},
    )


def members(aws: AwsClients, group: Nodegroup) -> list[str]:
    """Return the instances of the group that are not terminating."""
    return [
        instance["InstanceId"]
        for instance in _describe(aws, group).get("Instances", [])
        if not instance["LifecycleState"].startswith("Terminat")
    ]


def sizes(aws: AwsClients, group: Nodegroup) -> dict[str, int] | None:
    """Return the current sizes of the Auto Scaling group, or None when it was deleted."""
    found = _describe(aws, group)
    if not found:
        return None
    return {"minSize": found["MinSize"], "maxSize": found["MaxSize"], "desiredSize": found["DesiredCapacity"]}


def resize(aws: AwsClients, group: Nodegroup, wanted: dict[str, int]) -> None:
    """Set the sizes of the Auto Scaling group."""
    aws.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=group.group_name,
        MinSize=wanted["minSize"],
        MaxSize=wanted["maxSize"],
        DesiredCapacity=wanted["desiredSize"],
    )


def terminate(aws: AwsClients, instance: str, *, decrement: bool) -> None:
    """Terminate one instance; the group replaces it unless the desired size is decremented."""
    aws.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=decrement
    )


def end_instances(aws: AwsClients, group: Nodegroup) -> None:
    """Delete the Auto Scaling group with its instances."""
    ignoring_absence(
        lambda: aws.autoscaling.delete_auto_scaling_group(
            AutoScalingGroupName=group.group_name, ForceDelete=True
        )
    )


def instances_left(aws: AwsClients, group: Nodegroup) -> bool:
    """Return whether the Auto Scaling group or any of its instances still exists."""
    if _describe(aws, group):
        return True
    filters = [
        {"Name": "tag:aws:autoscaling:groupName", "Values": [group.group_name]},
        {
            "Name": "instance-state-name",
            "Values": ["pending", "running", "shutting-down", "stopping", "stopped"],
        },
    ]
    return bool(aws.ec2.describe_instances(Filters=filters)["Reservations"])


def delete_rest(aws: AwsClients, group: Nodegroup) -> None:
    """Delete the copy of the launch template and the instance profile."""
    if group.template_id:
        ignoring_absence(lambda: aws.ec2.delete_launch_template(LaunchTemplateId=group.template_id))
    if group.profile:
        role = group.node_role.rpartition("/")[2]
        ignoring_absence(
            lambda: aws.iam.remove_role_from_instance_profile(
                InstanceProfileName=group.profile, RoleName=role
            )
        )
        ignoring_absence(lambda: aws.iam.delete_instance_profile(InstanceProfileName=group.profile))


def caller_template(aws: AwsClients, wanted: dict[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the caller's launch template (id, name, version as EKS shows it) and its data."""
    key = {"LaunchTemplateId": wanted["id"]} if "id" in wanted else {"LaunchTemplateName": wanted["name"]}
    version = wanted.get("version", "$Default")
    found = aws.ec2.describe_launch_template_versions(Versions=[version], **key)["LaunchTemplateVersions"][0]
    shown = {
        "id": found["LaunchTemplateId"],
        "name": found["LaunchTemplateName"],
        "version": str(found["VersionNumber"]),
    }
    return shown, found["LaunchTemplateData"]


def _template_data(aws: AwsClients, cluster: Cluster, group: Nodegroup) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if group.launch_template:
        data = dict(caller_template(aws, group.launch_template)[1])
    data.setdefault("ImageId", image_id(group.ami_type, group.release_version or ""))
    data.setdefault("InstanceType", (group.instance_types or ["t3.medium"])[0])
    if not data.get("NetworkInterfaces"):
        data.setdefault("SecurityGroupIds", [cluster.security_group])
    data.setdefault("MetadataOptions", {"HttpTokens": "required", "HttpPutResponseHopLimit": 2})
    if group.disk_size:
        volume = {"VolumeSize": group.disk_size, "VolumeType": "gp3", "DeleteOnTermination": True}
        data.setdefault("BlockDeviceMappings", [{"DeviceName": "/dev/xvda", "Ebs": volume}])
    data["IamInstanceProfile"] = {"Name": group.profile}
    return data


def _own_tags(group: Nodegroup) -> list[dict[str, str]]:
    own = {"eks:cluster-name": group.cluster, "eks:nodegroup-name": group.name}
    return [{"Key": key, "Value": value} for key, value in own.items()]


def _group_tags(group: Nodegroup, name: str) -> list[dict[str, Any]]:
    tags = {
        "eks:cluster-name": group.cluster,
        "eks:nodegroup-name": group.name,
        f"kubernetes.io/cluster/{group.cluster}": "owned",
        "k8s.io/cluster-autoscaler/enabled": "true",
        f"k8s.io/cluster-autoscaler/{group.cluster}": "owned",
    }
    where = {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": True}
    return [{"Key": key, "Value": value, **where} for key, value in tags.items()]


def _describe(aws: AwsClients, group: Nodegroup) -> dict[str, Any]:
    found = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group.group_name])
    groups: list[dict[str, Any]] = found["AutoScalingGroups"]
    return groups[0] if groups else {}
