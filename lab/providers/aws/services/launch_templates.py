"""The resource type of EC2 launch templates; every change creates a new version."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import (
    capital,
    capitals,
    from_api,
    smalls,
    tag_list,
    tag_map,
    to_api,
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
# Strings in Pulumi's schema, booleans in the API.
TRUTHS = frozenset({"Encrypted", "DeleteOnTermination", "AssociatePublicIpAddress", "EbsOptimized"})


def data(inputs: Properties) -> dict[str, Any]:
    described: dict[str, Any] = {
        **to_api(inputs, *PLAIN, "ebsOptimized", vpcSecurityGroupIds="SecurityGroupIds"),
        **{capital(name): capitals(inputs[name]) for name in NESTED if inputs.get(name)},
    }
    for interface in described.get("NetworkInterfaces", ()):
        if "SecurityGroups" in interface:
            interface["Groups"] = interface.pop("SecurityGroups")
    if "TagSpecifications" in described:
        described["TagSpecifications"] = [
            {"ResourceType": specification["resourceType"], "Tags": tag_list(specification.get("tags") or {})}
            for specification in inputs["tagSpecifications"]
        ]
    truthful: dict[str, Any] = with_truths(described)
    return truthful


def with_truths(value: Any) -> Any:
    """Strings such as `"true"` as booleans where the API expects them."""
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
    created = cloud.ec2.create_launch_template(
        **to_api(inputs, name="LaunchTemplateName", description="VersionDescription"),
        LaunchTemplateData=data(inputs),
        **ec2_tags(OWN_KIND, inputs),
    )
    return str(created["LaunchTemplate"]["LaunchTemplateId"])


def update(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    newest = None
    if data(before) != data(inputs) or before.get("description") != inputs.get("description"):
        created = cloud.ec2.create_launch_template_version(
            LaunchTemplateId=identifier,
            LaunchTemplateData=data(inputs),
            **to_api(inputs, description="VersionDescription"),
        )
        newest = created["LaunchTemplateVersion"]["VersionNumber"]
    wanted = newest if inputs.get("updateDefaultVersion") else inputs.get("defaultVersion")
    if wanted is not None:
        cloud.ec2.modify_launch_template(LaunchTemplateId=identifier, DefaultVersion=str(wanted))


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_launch_templates, LaunchTemplateIds=[identifier])
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
    answer = cloud.ec2.describe_launch_template_versions(LaunchTemplateId=identifier, Versions=[str(number)])
    version: Mapping[str, Any] = answer["LaunchTemplateVersions"][0]
    return version


def outline(live: Mapping[str, Any]) -> Properties:
    described: Properties = {
        **from_api(live, *PLAIN, "ebsOptimized", vpcSecurityGroupIds="SecurityGroupIds"),
        **{name: smalls(live[capital(name)]) for name in NESTED if live.get(capital(name))},
    }
    for interface in described.get("networkInterfaces") or ():
        if "groups" in interface:
            interface["securityGroups"] = interface.pop("groups")
    # Some endpoints list the tags of the template itself among its data.
    described["tagSpecifications"] = [
        {"resourceType": specification["ResourceType"], "tags": tag_map(specification.get("Tags"))}
        for specification in live.get("TagSpecifications", [])
        if specification["ResourceType"] != OWN_KIND
    ]
    return described


def delete(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
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
