"""EC2 launch templates: every change is a new version."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import (
    capital,
    capitals,
    given,
    smalls,
    tag_list,
    tag_map,
    taken,
)
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties

PLAIN = (
    "imageId",
    "instanceType",
    "keyName",
    "userData",
    "disableApiTermination",
    "instanceInitiatedShutdownBehavior",
)
NESTED: dict[str, Input] = {
    "blockDeviceMappings": Input(
        fields={
            **plain("deviceName", "noDevice", "virtualName"),
            "ebs": Input(
                fields=plain(
                    "deleteOnTermination",
                    "encrypted",
                    "iops",
                    "kmsKeyId",
                    "snapshotId",
                    "throughput",
                    "volumeSize",
                    "volumeType",
                )
            ),
        }
    ),
    "iamInstanceProfile": Input(fields=plain("arn", "name")),
    "metadataOptions": Input(
        cloud_decides=True,
        fields=plain(
            "httpEndpoint",
            "httpProtocolIpv6",
            "httpPutResponseHopLimit",
            "httpTokens",
            "instanceMetadataTags",
        ),
    ),
    "monitoring": Input(fields=plain("enabled")),
    "networkInterfaces": Input(
        fields=plain(
            "associatePublicIpAddress",
            "deleteOnTermination",
            "description",
            "deviceIndex",
            "networkCardIndex",
            "securityGroups",
            "subnetId",
        )
    ),
    "placement": Input(fields=plain("availabilityZone", "groupName", "tenancy")),
    "tagSpecifications": Input(fields=plain("resourceType", "tags")),
}
OWN_KIND = "launch-template"
# Pulumi has these as text, the API wants them true or false.
TRUTHS = frozenset({"Encrypted", "DeleteOnTermination", "AssociatePublicIpAddress", "EbsOptimized"})


def data(inputs: Properties) -> dict[str, Any]:
    """The inputs as the data of a launch template version."""
    described: dict[str, Any] = {
        **given(inputs, *PLAIN, "ebsOptimized", vpcSecurityGroupIds="SecurityGroupIds"),
        **{capital(name): capitals(inputs[name]) for name in NESTED if inputs.get(name)},
    }
    for interface in described.get("NetworkInterfaces", ()):
        if "SecurityGroups" in interface:
            interface["Groups"] = interface.pop("SecurityGroups")
    if "TagSpecifications" in described:
        described["TagSpecifications"] = [
            {"ResourceType": one["resourceType"], "Tags": tag_list(one.get("tags") or {})}
            for one in inputs["tagSpecifications"]
        ]
    truthful: dict[str, Any] = with_truths(described)
    return truthful


def with_truths(value: Any) -> Any:
    """`"true"` as true where the API wants that."""
    match value:
        case Mapping():
            return {
                key: str(item).lower() == "true" if key in TRUTHS else with_truths(item)
                for key, item in value.items()
            }
        case list():
            return [with_truths(item) for item in value]
        case _:
            return value


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Make a template with its first version."""
    made = cloud.ec2.create_launch_template(
        **given(inputs, name="LaunchTemplateName", description="VersionDescription"),
        LaunchTemplateData=data(inputs),
        **ec2_tags(OWN_KIND, inputs),
    )
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def update(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    """Add a version when its data changed, and make one the default if that is asked for."""
    newest = None
    if data(before) != data(inputs) or before.get("description") != inputs.get("description"):
        made = cloud.ec2.create_launch_template_version(
            LaunchTemplateId=identifier,
            LaunchTemplateData=data(inputs),
            **given(inputs, description="VersionDescription"),
        )
        newest = made["LaunchTemplateVersion"]["VersionNumber"]
    wanted = newest if inputs.get("updateDefaultVersion") else inputs.get("defaultVersion")
    if wanted is not None:
        cloud.ec2.modify_launch_template(LaunchTemplateId=identifier, DefaultVersion=str(wanted))


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The template with the data of its newest version."""
    answer = found(cloud.ec2.describe_launch_templates, LaunchTemplateIds=[identifier])
    if not answer or not answer["LaunchTemplates"]:
        return None
    template = answer["LaunchTemplates"][0]
    version = newest_version(cloud, identifier, template["LatestVersionNumber"])
    return {
        "name": template["LaunchTemplateName"],
        "latestVersion": int(template["LatestVersionNumber"]),
        "defaultVersion": int(template["DefaultVersionNumber"]),
        "description": version.get("VersionDescription"),
        **outline(version["LaunchTemplateData"]),
        "arn": cloud.arn("ec2", f"launch-template/{identifier}"),
        "tagsAll": tag_map(template.get("Tags")),
    }


def newest_version(cloud: Cloud, identifier: str, number: int) -> Mapping[str, Any]:
    """One version, with its data."""
    answer = cloud.ec2.describe_launch_template_versions(LaunchTemplateId=identifier, Versions=[str(number)])
    version: Mapping[str, Any] = answer["LaunchTemplateVersions"][0]
    return version


def outline(live: Mapping[str, Any]) -> Properties:
    """A version's data in Pulumi's shape."""
    described: Properties = {
        **taken(live, *PLAIN, "ebsOptimized", vpcSecurityGroupIds="SecurityGroupIds"),
        **{name: smalls(live[capital(name)]) for name in NESTED if live.get(capital(name))},
    }
    for interface in described.get("networkInterfaces") or ():
        if "groups" in interface:
            interface["securityGroups"] = interface.pop("groups")
    # Tags of the template itself are no part of its data, though some clouds list them there.
    described["tagSpecifications"] = [
        {"resourceType": one["ResourceType"], "tags": tag_map(one.get("Tags"))}
        for one in live.get("TagSpecifications", [])
        if one["ResourceType"] != OWN_KIND
    ]
    return described


def delete(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    """Delete the template with all versions."""
    remove(cloud.ec2.delete_launch_template, LaunchTemplateId=identifier)


LAUNCH_TEMPLATE = ResourceType(
    "aws:ec2/launchTemplate:LaunchTemplate",
    inputs={
        **plain(*PLAIN),
        "description": Input(),
        "ebsOptimized": Input(),
        "vpcSecurityGroupIds": Input(),
        "defaultVersion": Input(cloud_decides=True),
        "updateDefaultVersion": Input(),
        **NESTED,
    },
    outputs=("arn", "latestVersion"),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag_ec2,
    name="name",
    longest_name=125,
    changed_by_update=("latestVersion",),
)

TYPES = (LAUNCH_TEMPLATE,)
