"""Flow logs of a new VPC, in CloudWatch or in an S3 bucket that exists.

`stacks/new_cluster_base.py` registers them where `network.flowLogs` is set. They show packets as network
interfaces see them, so what Cilium drops on a node does not appear.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html, without logs:CreateLogGroup: flow logs are
# delivered for some minutes after they are deleted, and would create their log group again.
_ACTIONS = (
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)


class FlowLogsArgs(TypedDict):
    """The arguments of a `FlowLogs` component."""

    vpc_id: pulumi.Input[str]
    """The VPC."""
    cluster_name: str
    """Name of the cluster, for the name of the log group."""
    traffic: str
    """`ALL`, `ACCEPT` or `REJECT`."""
    interval: int
    """Seconds that a record covers: 60 or 600."""
    fields: Sequence[str]
    """Fields of a record, such as srcaddr; empty for AWS's default."""
    bucket_arn: NotRequired[str | None]
    """Bucket, with or without a folder, that gets the records. Default None: CloudWatch gets them."""
    retention_days: int
    """For how many days CloudWatch keeps them."""
    tags: Mapping[str, str]
    """Tags for everything that takes tags."""


class FlowLogs(pulumi.ComponentResource):
    """The flow logs of a VPC; with CloudWatch also a log group, and the role that may write into it.

    All are named `<name>-flow-logs`, and the log group `/aws/vpc/flow-logs/<cluster>`. AWS gives a bucket the
    policy for the delivery, where the identity that runs Pulumi may set it.
    """

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("FlowLogs"), name, {}, opts)
        self._name, self._args = f"{name}-flow-logs", args
        destination = self._bucket() or self._log_group()
        aws.ec2.FlowLog(
            self._name,
            vpc_id=args["vpc_id"],
            traffic_type=args["traffic"],
            max_aggregation_interval=args["interval"],
            log_format=" ".join(f"${{{field}}}" for field in args["fields"]) or None,
            tags=tagged(args["tags"], self._name),
            **destination,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _bucket(self) -> dict[str, Any] | None:
        bucket = self._args.get("bucket_arn")
        return None if bucket is None else {"log_destination_type": "s3", "log_destination": bucket}

    def _log_group(self) -> dict[str, Any]:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            self._name,
            name=f"/aws/vpc/flow-logs/{args['cluster_name']}",
            retention_in_days=args["retention_days"],
            tags=tagged(args["tags"], self._name),
            opts=child,
        )
        role = aws.iam.Role(
            self._name,
            description=f"Delivery of the flow logs of {args['cluster_name']}",
            assume_role_policy=_trust(),
            tags=tagged(args["tags"], self._name),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            self._name, role=role.name, policy=group.arn.apply(_may_write), opts=child
        )
        return {
            "log_destination_type": "cloud-watch-logs",
            "log_destination": group.arn,
            # Through the policy's id, the flow logs are created after the policy.
            "iam_role_arn": pulumi.Output.all(role.arn, policy.id).apply(lambda known: known[0]),
        }


def _trust() -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _may_write(group: str) -> str:
    statement = {"Effect": "Allow", "Action": list(_ACTIONS), "Resource": [group, f"{group}:*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
