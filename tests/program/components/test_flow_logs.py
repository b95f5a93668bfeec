"""Flow logs of a new VPC."""

import json

import pytest

from tests.program.components.recording import Recorder
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded

pytestmark = pytest.mark.simulation


def with_flow_logs(**wanted: object) -> Recorder:
    return recorded({"network": SETTINGS["network"] | {"flowLogs": wanted}})


def test_without_the_key_there_are_none() -> None:
    assert recorded().of("FlowLog") == []


def test_cloudwatch_gets_the_records_by_a_role_that_creates_no_log_group() -> None:
    stack = with_flow_logs(retentionDays=7)

    log, group = stack.only("FlowLog", "dev-flow-logs"), stack.only("LogGroup", "dev-flow-logs")
    assert group.inputs["name"] == "/aws/vpc/flow-logs/dev"
    assert group.inputs["retentionInDays"] == 7
    assert log.inputs["vpcId"] == "dev-id"
    assert (log.inputs["trafficType"], log.inputs["maxAggregationInterval"]) == ("ALL", 600)
    assert log.inputs["logDestination"].endswith(":dev-flow-logs")
    assert "logFormat" not in log.inputs
    policy = stack.only("RolePolicy", "dev-flow-logs")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert "logs:CreateLogGroup" not in statement["Action"]
    assert stack.waits_for(log, policy)
    trust = json.loads(stack.only("Role", "dev-flow-logs").inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}


def test_a_bucket_gets_the_records_without_any_role() -> None:
    stack = with_flow_logs(
        bucketArn="arn:aws:s3:::flow-logs/dev",
        traffic="REJECT",
        interval=60,
        fields=["srcaddr", "pkt-srcaddr"],
    )

    log = stack.only("FlowLog").inputs
    assert (log["logDestinationType"], log["logDestination"]) == ("s3", "arn:aws:s3:::flow-logs/dev")
    assert log["logFormat"] == "${srcaddr} ${pkt-srcaddr}"
    assert (log["trafficType"], log["maxAggregationInterval"]) == ("REJECT", 60)
    assert "iamRoleArn" not in log
    assert [group.name for group in stack.of("LogGroup")] == ["dev-logs"]
