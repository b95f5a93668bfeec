"""Rules about the flow logs of a new VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

_PATH = ("network", "flowLogs")


def flow_logs_are_of_a_new_vpc(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    wanted = settings.network.flow_logs
    if wanted is not None and settings.network.cidr is None:
        allowed = "nothing beside network.vpcId: an existing VPC is used as it is"
        yield Problem(_PATH, wanted.changed(), allowed, remove_command(_PATH))


def flow_logs_have_one_place(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    wanted = settings.network.flow_logs
    if wanted is None or wanted.bucket_arn is None:
        return
    if "retention_days" in wanted.model_fields_set:
        path = (*_PATH, "retentionDays")
        allowed = "nothing beside bucketArn: the lifecycle of the bucket decides"
        yield Problem(path, wanted.retention_days, allowed, remove_command(path))
    # docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html, LogDestination.
    bucket, *folders = wanted.bucket_arn.split("/")
    if folders and folders[0] == "AWSLogs":
        path = (*_PATH, "bucketArn")
        allowed = "a bucket or a folder other than AWSLogs, which AWS makes itself"
        yield Problem(path, wanted.bucket_arn, allowed, set_fix(path, bucket))


RULES = (flow_logs_are_of_a_new_vpc, flow_logs_have_one_place)
