"""Add-ons of the user's choice: checked against what EKS offers, and registered last."""

import json
from typing import Any

import pulumi
import pytest

from eks_cilium.errors import AwsAnswer, AwsRefusedError
from stacks import new_cluster
from tests.program.components.recording import BUILDS, ISSUER, Offers, Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import SETTINGS, settings_of

pytestmark = pytest.mark.simulation

EBS = "aws-ebs-csi-driver"
ROLE = {
    "serviceAccount": "kube-system/ebs-csi-controller-sa",
    "policyArns": ["arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"],
}
SCHEMA = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": "#/definitions/Values",
        "definitions": {
            "Values": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"replicas": {"type": "integer"}, "list": {"items": {"type": "string"}}},
            }
        },
    }
)


class OfferingEks(WithoutKey):
    """boto3's EKS client, offering two versions of two add-ons."""

    def get_paginator(self, operation: str) -> "OfferingEks":
        assert operation == "describe_addon_versions"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        name_of_addon, minor = asked["addonName"], asked["kubernetesVersion"]

        def version(name: str, *, default: bool) -> dict[str, Any]:
            return {
                "addonVersion": name,
                "compatibilities": [{"clusterVersion": minor, "defaultVersion": default}],
                "requiresIamPermissions": name_of_addon == EBS,
            }

        if name_of_addon in BUILDS:
            return Offers().paginate(addonName=name_of_addon, kubernetesVersion=minor)
        offered = [version("v2.1.0-eksbuild.1", default=False), version("v2.0.0-eksbuild.3", default=True)]
        known = name_of_addon in (EBS, "metrics-server")
        return [{"addons": [{"addonName": name_of_addon, "addonVersions": offered}] if known else []}]

    def describe_addon_configuration(self, **_: str) -> dict[str, str]:
        return {"configurationSchema": SCHEMA}


def recorded(addons: dict[str, Any]) -> Recorder:
    settings = settings_of({"cluster": SETTINGS["cluster"] | {"addons": addons}})
    return record(lambda: new_cluster.run(settings, aws_client=lambda *_: OfferingEks()))


def test_an_add_on_waits_for_nodes_and_dns() -> None:
    stack = recorded({"metrics-server": {}})

    addon = stack.only("Addon", "dev-metrics-server")
    assert stack.waits_for(addon, stack.only("Addon", "dev-coredns"))
    assert stack.waits_for(addon, stack.only("ReadinessGate"))
    assert not stack.waits_for(stack.only("Addon", "dev-coredns"), addon)


def test_what_is_not_set_is_left_to_eks() -> None:
    inputs = recorded({"metrics-server": {}}).only("Addon", "dev-metrics-server").inputs

    assert "addonVersion" not in inputs
    assert "serviceAccountRoleArn" not in inputs
    assert inputs["configurationValues"] == "{}"
    assert (inputs["resolveConflictsOnCreate"], inputs["resolveConflictsOnUpdate"]) == ("NONE", "OVERWRITE")
    assert inputs["preserve"] is False


def test_what_is_set_is_sent() -> None:
    wanted = {
        "version": "v2.0.0-eksbuild.3",
        "configurationValues": {"replicas": 3, "list": ["a"]},
        "serviceAccountRoleArn": "arn:aws:iam::111122223333:role/metrics",
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "PRESERVE",
        "preserve": True,
    }

    inputs = recorded({"metrics-server": wanted}).only("Addon", "dev-metrics-server").inputs

    assert inputs["addonVersion"] == wanted["version"]
    assert json.loads(inputs["configurationValues"]) == wanted["configurationValues"]
    assert inputs["serviceAccountRoleArn"] == wanted["serviceAccountRoleArn"]
    assert (inputs["resolveConflictsOnCreate"], inputs["resolveConflictsOnUpdate"]) == (
        "OVERWRITE",
        "PRESERVE",
    )
    assert inputs["preserve"] is True


def test_the_latest_version_is_the_newest_that_eks_offers() -> None:
    stack = recorded({"metrics-server": {"version": "latest"}})

    assert stack.only("Addon", "dev-metrics-server").inputs["addonVersion"] == "v2.1.0-eksbuild.1"


def test_a_role_that_is_made_trusts_one_service_account_and_is_complete_before_the_add_on() -> None:
    stack = recorded({EBS: {"role": ROLE}})

    role = stack.only("Role", f"dev-{EBS}")
    condition = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
    assert condition[f"{ISSUER}:sub"] == "system:serviceaccount:kube-system:ebs-csi-controller-sa"
    attached = stack.only("RolePolicyAttachment", f"dev-{EBS}-AmazonEBSCSIDriverPolicy")
    assert attached.inputs["policyArn"] == ROLE["policyArns"][0]
    addon = stack.only("Addon", f"dev-{EBS}")
    assert addon.inputs["serviceAccountRoleArn"].endswith(f":dev-{EBS}")
    assert stack.waits_for(addon, attached)


def test_the_name_of_a_role_stays_below_the_limit_of_iam() -> None:
    long = {"name": "a" * 32, "addons": {"metrics-server": {"role": ROLE}}}
    settings = settings_of({"cluster": SETTINGS["cluster"] | long})
    stack = record(lambda: new_cluster.run(settings, aws_client=lambda *_: OfferingEks()))

    assert max(len(role.name) for role in stack.of("Role")) <= 56


@pytest.mark.parametrize(
    ("addons", "part"),
    [
        ({"metrics-servr": {}}, 'cluster.addons.metrics-servr is "metrics-servr"'),
        ({"metrics-server": {"version": "v1.0.0-eksbuild.1"}}, "v2.1.0-eksbuild.1, v2.0.0-eksbuild.3 for"),
        ({"metrics-server": {"configurationValues": {"replica": 3}}}, "configurationValues is"),
        (
            {"metrics-server": {"configurationValues": {"list": ["a", 5]}}},
            "configurationValues.list[1] is 5\n    allowed: what the add-on's schema takes: 5 is not of type",
        ),
    ],
)
def test_what_eks_would_refuse_is_refused_before_anything_is_registered(
    addons: dict[str, Any], part: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded(addons)

    assert part in str(refused.value)


def test_an_add_on_that_needs_a_role_and_has_none_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    recorded({EBS: {"role": ROLE}})
    assert "has no role" not in caplog.text

    recorded({EBS: {}})
    assert f"the add-on {EBS} calls AWS and has no role" in caplog.text


class Refusing(WithoutKey):
    def get_paginator(self, operation: str) -> Any:
        answer = AwsAnswer("eks:DescribeAddonVersions", "AccessDeniedException", "no")
        raise AwsRefusedError("eks:DescribeAddonVersions was denied", answer)


def test_a_refusal_of_aws_is_a_sentence() -> None:
    settings = settings_of({"cluster": SETTINGS["cluster"] | {"addons": {"metrics-server": {}}}})
    with pytest.raises(pulumi.RunError, match="could not be asked for its add-ons: eks:Describe"):
        record(lambda: new_cluster.run(settings, aws_client=lambda *_: Refusing()))
