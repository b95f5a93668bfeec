"""The resource type of CloudWatch log groups; the id is the name."""

import json
from collections.abc import Mapping, Sequence

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.shapes import to_api_as_is
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties


def refuse_unusable_key(cloud: Cloud, inputs: Properties) -> None:
    # docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, step 2: the key's policy.
    key = inputs.get("kmsKeyId")
    if not key:
        return
    policy = json.loads(cloud.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    service = f"logs.{cloud.region}.amazonaws.com"
    if not any(service in str(statement.get("Principal")) for statement in policy["Statement"]):
        raise RefusedError(
            "InvalidParameterException: The specified KMS key does not exist or is not allowed to be used "
            f"with log group {inputs['name']}"
        )


def create(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    tags = {"tags": inputs["tagsAll"]} if inputs.get("tagsAll") else {}
    names = to_api_as_is(inputs, "kmsKeyId", "logGroupClass")
    refuse_unusable_key(cloud, inputs)
    cloud.client("logs").create_log_group(logGroupName=inputs["name"], **names, **tags)
    update(cloud, inputs["name"], {"retentionInDays": 0}, inputs, operation)
    return str(inputs["name"])


def update(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    if "kmsKeyId" in before and before.get("kmsKeyId") != inputs.get("kmsKeyId"):
        raise RefusedError("the lab does not emulate AssociateKmsKey: a group keeps its key")
    # 0 days means that lines are kept forever.
    logs, days = cloud.client("logs"), inputs["retentionInDays"]
    if days == before.get("retentionInDays"):
        return
    if days:
        logs.put_retention_policy(logGroupName=identifier, retentionInDays=days)
    else:
        logs.delete_retention_policy(logGroupName=identifier)


def read(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # The API searches by prefix; only the group with exactly this name counts.
    listed = cloud.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=identifier)
    for group in listed:
        if group["logGroupName"] == identifier:
            arn = str(group["arn"]).removesuffix(":*")
            tags = find(cloud.client("logs").list_tags_for_resource, resourceArn=arn) or {}
            return {
                "name": identifier,
                "arn": arn,
                "kmsKeyId": group.get("kmsKeyId"),
                "logGroupClass": group.get("logGroupClass") or "STANDARD",
                "retentionInDays": group.get("retentionInDays") or 0,
                "skipDestroy": known.get("skipDestroy"),
                "tagsAll": tags.get("tags") or {},
            }
    return None


def delete(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    # With `skipDestroy` the group is kept.
    if not known.get("skipDestroy"):
        remove(cloud.client("logs").delete_log_group, logGroupName=identifier)


def retag(cloud: Cloud, _: str, known: Properties, added: Mapping[str, str], removed: Sequence[str]) -> None:
    logs = cloud.client("logs")
    if removed:
        logs.untag_resource(resourceArn=known["arn"], tagKeys=list(removed))
    if added:
        logs.tag_resource(resourceArn=known["arn"], tags=dict(added))


LOG_GROUP = ResourceType(
    "aws:cloudwatch/logGroup:LogGroup",
    inputs={
        "kmsKeyId": Input(),
        "logGroupClass": Input(cloud_decides=True, replaces=True),
        "retentionInDays": Input(default=0),
        "skipDestroy": Input(default=False),
    },
    outputs=("arn",),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag,
    name="name",
    longest_name=512,
)

TYPES = (LOG_GROUP,)
