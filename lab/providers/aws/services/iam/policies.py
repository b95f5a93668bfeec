"""The resource type of managed IAM policies; the id is the ARN."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.iam.documents import POLICY, policy_text
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import from_api, same_json, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_policy(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.iam.create_policy(
        **to_api(inputs, "path", "description", name="PolicyName", policy="PolicyDocument"),
        **iam_tags(inputs),
    )
    return str(created["Policy"]["Arn"])


def read_policy(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.iam.get_policy, PolicyArn=identifier)
    if answer is None:
        return None
    policy = answer["Policy"]
    version = cloud.iam.get_policy_version(PolicyArn=identifier, VersionId=policy["DefaultVersionId"])
    return {
        **from_api(policy, "arn", "path", "description", "policyId", "attachmentCount", name="PolicyName"),
        "policy": policy_text(version["PolicyVersion"]["Document"]),
        "tagsAll": tag_map(policy.get("Tags")),
    }


def update_policy(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    # IAM keeps at most five versions, so the oldest is deleted first.
    if same_json(before.get("policy"), inputs["policy"]):
        return
    spare = [version for version in versions(cloud, identifier) if not version["IsDefaultVersion"]]
    if len(spare) >= 4:
        cloud.iam.delete_policy_version(PolicyArn=identifier, VersionId=spare[-1]["VersionId"])
    cloud.iam.create_policy_version(PolicyArn=identifier, PolicyDocument=inputs["policy"], SetAsDefault=True)


def versions(cloud: Cloud, identifier: str) -> list[Mapping[str, Any]]:
    """All versions of a policy, newest first; empty if the policy does not exist."""
    answer = find(cloud.iam.list_policy_versions, PolicyArn=identifier) or {"Versions": []}
    return sorted(answer["Versions"], key=lambda version: int(version["VersionId"][1:]), reverse=True)


def delete_policy(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
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
