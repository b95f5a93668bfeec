"""IAM policies of their own, with their versions."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove, remove_when_free
from lab.providers.aws.services.iam.documents import POLICY, policy_text
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import given, same_json, tag_map, taken
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_policy(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Make a policy; its id is its ARN."""
    made = cloud.iam.create_policy(
        **given(inputs, "path", "description", name="PolicyName", policy="PolicyDocument"), **iam_tags(inputs)
    )
    return str(made["Policy"]["Arn"])


def read_policy(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The policy with the text of its default version."""
    answer = found(cloud.iam.get_policy, PolicyArn=identifier)
    if answer is None:
        return None
    policy = answer["Policy"]
    version = cloud.iam.get_policy_version(PolicyArn=identifier, VersionId=policy["DefaultVersionId"])
    return {
        **taken(policy, "arn", "path", "description", "policyId", "attachmentCount", name="PolicyName"),
        "policy": policy_text(version["PolicyVersion"]["Document"]),
        "tagsAll": tag_map(policy.get("Tags")),
    }


def update_policy(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    """Add a version and make it the default; IAM keeps five, so the oldest goes first."""
    if same_json(before.get("policy"), inputs["policy"]):
        return
    spare = [one for one in versions(cloud, identifier) if not one["IsDefaultVersion"]]
    if len(spare) >= 4:
        cloud.iam.delete_policy_version(PolicyArn=identifier, VersionId=spare[-1]["VersionId"])
    cloud.iam.create_policy_version(PolicyArn=identifier, PolicyDocument=inputs["policy"], SetAsDefault=True)


def versions(cloud: Cloud, identifier: str) -> list[Mapping[str, Any]]:
    """All versions of a policy, the newest first; none when the policy is gone."""
    answer = found(cloud.iam.list_policy_versions, PolicyArn=identifier) or {"Versions": []}
    return sorted(answer["Versions"], key=lambda one: int(one["VersionId"][1:]), reverse=True)


def delete_policy(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    """Delete the versions, then the policy once nobody has it attached."""
    for version in versions(cloud, identifier):
        if not version["IsDefaultVersion"]:
            remove(cloud.iam.delete_policy_version, PolicyArn=identifier, VersionId=version["VersionId"])
    remove_when_free(operation, cloud.iam.delete_policy, PolicyArn=identifier)


IAM_POLICY = ResourceType(
    "aws:iam/policy:Policy",
    inputs={
        "policy": POLICY,
        "description": Input(replaces=True),
        "path": Input(default="/", replaces=True),
    },
    outputs=("arn", "attachmentCount", "policyId"),
    create=create_policy,
    read=read_policy,
    update=update_policy,
    delete=delete_policy,
    retag=retag_iam("policy", "PolicyArn"),
    name="name",
    longest_name=128,
    regional=False,
)

TYPES = (IAM_POLICY,)
