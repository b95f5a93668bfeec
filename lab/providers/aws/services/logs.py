"""The resource type of CloudWatch log groups; the id is the name."""

from collections.abc import Mapping, Sequence

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.shapes import to_api_as_is
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    tags = {"tags": inputs["tagsAll"]} if inputs.get("tagsAll") else {}
    names = to_api_as_is(inputs, "kmsKeyId", "logGroupClass")
    cloud.client("logs").create_log_group(logGroupName=inputs["name"], **names, **tags)
    update(cloud, inputs["name"], {"retentionInDays": 0}, inputs, operation)
    return str(inputs["name"])


def update(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
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
        "kmsKeyId": Input(replaces=True),
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
