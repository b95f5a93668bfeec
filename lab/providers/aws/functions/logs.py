"""Functions that read CloudWatch's log groups."""

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, NotFoundError
from lab.providers.aws.services import logs
from lab.providers.values import Properties


def log_groups(cloud: Cloud, arguments: Properties) -> Properties:
    """The groups whose names begin with a prefix; all of them without one."""
    prefix = arguments.get("logGroupNamePrefix")
    search = {"logGroupNamePrefix": prefix} if prefix else {}
    found = cloud.pages("logs", "describe_log_groups", "logGroups", **search)
    return {
        "id": cloud.region,
        "arns": [str(group["arn"]).removesuffix(":*") for group in found],
        "logGroupNames": [group["logGroupName"] for group in found],
    }


def log_group(cloud: Cloud, arguments: Properties) -> Properties:
    live = logs.read(cloud, arguments["name"], {})
    if live is None:
        raise NotFoundError(f"there is no log group '{arguments['name']}'")
    same = ("arn", "kmsKeyId", "logGroupClass", "retentionInDays")
    return {
        **{key: live[key] for key in same},
        "id": live["name"],
        "creationTime": 0,
        "tags": live["tagsAll"],
    }


FUNCTIONS = (
    Function("aws:cloudwatch/getLogGroups:getLogGroups", ("logGroupNamePrefix",), log_groups),
    Function("aws:cloudwatch/getLogGroup:getLogGroup", ("name", "tags"), log_group),
)
