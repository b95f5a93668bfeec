"""Keys of the VPC of a new cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eks_cilium.settings.model.fields import RETENTIONS, Cidr, LogRetention, Part, option

VPC_ID = r"^vpc-[0-9a-f]{8,17}$"
SUBNET_ID = r"^subnet-[0-9a-f]{8,17}$"

SubnetId = Annotated[str, Field(pattern=SUBNET_ID)]


class FlowLogs(Part):
    """Records of the traffic of a new VPC, in CloudWatch or in a bucket."""

    # docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html.
    traffic: Literal["ALL", "ACCEPT", "REJECT"] = option(
        "ALL",
        says="Traffic that is recorded, by what security groups and network ACLs do with it.",
        allowed="ALL, ACCEPT or REJECT",
        example="REJECT",
    )
    interval: Literal[60, 600] = option(
        600,
        says="Seconds that a record covers; on Nitro instances always 60 or fewer.",
        allowed="60 or 600",
        example=60,
    )
    fields: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], ...] = option(
        (),
        says="Fields of a record; AWS's default when unset. `pkt-srcaddr` and `pkt-dstaddr` show pods behind "
        "a node's address.",
        allowed="a list of fields such as srcaddr, pkt-srcaddr, action",
        example=["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr", "action"],
    )
    retention_days: LogRetention = option(
        30, says="How long CloudWatch keeps the records.", allowed=RETENTIONS, example=30
    )
    bucket_arn: str | None = option(
        None,
        says="Existing S3 bucket that gets the records instead of CloudWatch, with or without a folder.",
        allowed="the ARN of a bucket, such as arn:aws:s3:::flow-logs/dev",
        example="arn:aws:s3:::flow-logs",
        pattern=r"^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^ ]*)?$",
    )


class Network(Part):
    """The VPC: a new one by `cidr`, or an existing one by `vpcId`."""

    cidr: Cidr | None = option(
        None,
        says="Network of the new VPC. Pods get their addresses from it.",
        allowed="a private IPv4 network of /16 to /20",
        example="10.0.0.0/16",
    )
    zones: int | tuple[str, ...] = option(
        3,
        says="How many availability zones to use, or which.",
        allowed="2, 3, or a list of two or three zone names",
        example=["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    )
    pod_cidr: Cidr | None = option(
        None,
        says="Second network of the new VPC, for pods alone: a subnet of a quarter in each zone. Nodes keep "
        "to `cidr`. It can only be set when the cluster is created.",
        allowed="a network of /16 to /22 that AWS adds to the VPC, such as 100.64.0.0/16",
        example="100.64.0.0/16",
    )
    nat: Literal["per-zone", "single", "none"] = option(
        "per-zone",
        says="NAT gateways for the private subnets. A single one costs less and fails with its zone.",
        allowed="per-zone, single, or none (only when no node group is in a private subnet)",
        example="per-zone",
    )
    flow_logs: FlowLogs | None = option(
        None,
        says="Flow logs of the new VPC; `{}` for the defaults.",
        allowed="an object with any of traffic, interval, fields, retentionDays, bucketArn",
        example={"traffic": "REJECT"},
    )
    vpc_id: str | None = option(
        None,
        says="Existing VPC to use instead of a new one.",
        allowed="the id of a VPC",
        example="vpc-0123456789abcdef0",
        pattern=VPC_ID,
    )
    private_subnet_ids: tuple[SubnetId, ...] = option(
        (),
        says="Subnets of the existing VPC whose default route leads to a NAT gateway, Transit Gateway, "
        "firewall endpoint, virtual private gateway or appliance (a NAT instance).",
        allowed="a list of subnet ids in two or three zones",
        example=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    )
    public_subnet_ids: tuple[SubnetId, ...] = option(
        (),
        says="Subnets of the existing VPC whose default route leads to an internet gateway, or to a firewall "
        "endpoint before it.",
        allowed="a list of subnet ids in two or three zones",
        example=["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
    )
    pod_subnet_ids: tuple[SubnetId, ...] = option(
        (),
        says="Subnets of the existing VPC for pods alone, one or more in each zone with nodes. They can only "
        "be set when the cluster is created; more can be added later.",
        allowed="a list of subnet ids that are no subnets of nodes",
        example=["subnet-0123456789abcdef4", "subnet-0123456789abcdef5"],
    )

    @property
    def pods_apart(self) -> bool:
        """Whether pods have subnets of their own."""
        return self.pod_cidr is not None or bool(self.pod_subnet_ids)
