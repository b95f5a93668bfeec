"""The resource type of flow logs; everything but their tags is set at creation."""

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties

RESOURCES = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    (kind,) = [name for name in RESOURCES if inputs.get(name)]
    answer = cloud.ec2.create_flow_logs(
        ResourceIds=[inputs[kind]],
        ResourceType=RESOURCES[kind],
        **to_api(
            inputs,
            "trafficType",
            "logDestinationType",
            "logDestination",
            "logFormat",
            "maxAggregationInterval",
            iamRoleArn="DeliverLogsPermissionArn",
        ),
        **ec2_tags("vpc-flow-log", inputs),
    )
    for failed in answer.get("Unsuccessful", []):
        raise RefusedError(f"{failed['Error']['Code']}: {failed['Error']['Message']}")
    return str(answer["FlowLogIds"][0])


def read(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_flow_logs, FlowLogIds=[identifier])
    if not answer or not answer["FlowLogs"]:
        return None
    log = answer["FlowLogs"][0]
    (kind,) = [name for name in RESOURCES if known.get(name)] or ["vpcId"]
    return {
        kind: log["ResourceId"],
        "trafficType": log["TrafficType"],
        "logDestinationType": log["LogDestinationType"],
        "logDestination": log.get("LogDestination"),
        "logFormat": log.get("LogFormat"),
        "maxAggregationInterval": log.get("MaxAggregationInterval"),
        "iamRoleArn": log.get("DeliverLogsPermissionArn"),
        "arn": cloud.arn("ec2", f"vpc-flow-log/{identifier}"),
        "tagsAll": tag_map(log.get("Tags")),
    }


def update(*_: object) -> None:
    """Change nothing: only tags change without a replacement."""


def delete(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    remove(cloud.ec2.delete_flow_logs, FlowLogIds=[identifier])


FLOW_LOG = ResourceType(
    "aws:ec2/flowLog:FlowLog",
    inputs={
        **{name: Input(replaces=True) for name in (*RESOURCES, "iamRoleArn", "trafficType")},
        "logDestination": Input(replaces=True, cloud_decides=True),
        "logDestinationType": Input(replaces=True, default="cloud-watch-logs"),
        "logFormat": Input(replaces=True, cloud_decides=True),
        "maxAggregationInterval": Input(replaces=True, default=600),
    },
    outputs=("arn",),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag_ec2,
)

TYPES = (FLOW_LOG,)
