"""IAM roles that exist are used, and every role that a stack makes has its boundary and path."""

import re
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from eks_cilium.clients.aws_errors import translation
from tests.program.components import test_new_chained_resources, test_replacement_resources
from tests.program.components.recording import ACCOUNT, Recorder, Registration, WithoutKey
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded
from tests.program.components.test_what_exists import running

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.simulation

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
CONTROL_PLANE, NODES = f"arn:aws:iam::{ACCOUNT}:role/eks/control", f"arn:aws:iam::{ACCOUNT}:role/nodes"
LIMITED = {"iam": {"permissionsBoundary": BOUNDARY, "path": "/eks/"}}
GIVEN = {"iam": {"clusterRoleArn": CONTROL_PLANE, "nodeRoleArn": NODES}}


class Iam(WithoutKey):
    """IAM with some roles and policies."""

    def __init__(self, roles: dict[str, dict[str, Any]], *policies: str) -> None:
        super().__init__()
        self._roles, self._policies = roles, policies

    def get_role(self, *, RoleName: str) -> Any:  # noqa: N803 - boto3's spelling
        return {"Role": self._of(RoleName)}

    def get_policy(self, *, PolicyArn: str) -> Any:  # noqa: N803 - boto3's spelling
        if PolicyArn not in self._policies:
            raise missing()
        return {"Policy": {"Arn": PolicyArn}}

    def get_paginator(self, operation: str) -> Any:
        if operation == "describe_addon_versions":
            return super().get_paginator(operation)
        outer = self

        class Pages:
            def paginate(self, *, RoleName: str) -> Any:  # noqa: N803 - boto3's spelling
                attached = outer._of(RoleName)["policies"]
                return [{"AttachedPolicies": [{"PolicyName": name} for name in attached]}]

        return Pages()

    def _of(self, name: str) -> dict[str, Any]:
        if name not in self._roles:
            raise missing()
        return self._roles[name]


def missing() -> Exception:
    refused = ClientError({"Error": {"Code": "NoSuchEntity", "Message": "no such entity"}}, "GetRole")
    return translation(refused, "iam:GetRole")


def role(arn: str, service: str, *policies: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Arn": arn, "AssumeRolePolicyDocument": {"Statement": [statement]}, "policies": policies}


GOOD = {
    "control": role(CONTROL_PLANE, "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
    "nodes": role(NODES, "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy"),
}


def limited(stack: Recorder, entry: Registration) -> dict[str, Any]:
    """What the stack's transforms make of a registration."""
    props: dict[str, Any] = entry.inputs
    for transform in stack.get_registered_transforms():
        options = pulumi.ResourceOptions()
        result = transform(pulumi.ResourceTransformArgs(entry.custom, entry.type, entry.name, props, options))
        if result is not None:
            assert isinstance(result, pulumi.ResourceTransformResult)
            props = dict(result.props)
    return props


def roles_of(stack: Recorder) -> list[dict[str, Any]]:
    return [limited(stack, entry) for entry in stack.registrations if entry.type == "aws:iam/role:Role"]


@pytest.fixture(scope="module", params=["new-cluster", "chaining", "replacement"])
def limited_stack(request: pytest.FixtureRequest) -> Recorder:
    of: dict[str, Callable[..., Recorder]] = {
        "new-cluster": recorded,
        "chaining": test_new_chained_resources.recorded,
        "replacement": test_replacement_resources.recorded,
    }
    return of[request.param](LIMITED, aws=Iam({}, BOUNDARY))


def test_every_role_of_every_mode_has_the_boundary_and_the_path(limited_stack: Recorder) -> None:
    found = [(each["permissionsBoundary"], each["path"]) for each in roles_of(limited_stack)]

    assert found
    assert set(found) == {(BOUNDARY, "/eks/")}


def test_the_role_that_the_component_makes_has_them_too(limited_stack: Recorder) -> None:
    """It is registered in the component's provider, which only a transform reaches."""
    made = Registration(
        "", "aws:iam/role:Role", "dev-eksRole-role", "", {"tags": {}}, frozenset(), False, (), "", True
    )

    assert limited(limited_stack, made) == {
        "tags": {},
        "permissionsBoundary": BOUNDARY,
        "path": "/eks/",
    }


def test_nothing_but_roles_is_changed_and_nothing_without_limits(limited_stack: Recorder) -> None:
    others = [entry for entry in limited_stack.registrations if entry.type != "aws:iam/role:Role"]

    assert all(limited(limited_stack, entry) == entry.inputs for entry in others)
    assert recorded().get_registered_transforms() == []


def test_a_boundary_that_is_no_policy_is_refused_before_anything_is_made() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"eks-cilium:iam.permissionsBoundary is .*\n.*what exists in this"
    ):
        recorded(LIMITED, aws=Iam({}))


@pytest.mark.parametrize(
    ("before", "is_refused"), [({}, False), ({"rolePath": "/"}, True), ({"name": "dev"}, True)]
)
def test_the_path_is_not_changed_later(before: dict[str, Any], is_refused: bool) -> None:
    answers = {"readStackOutputs": {"outputs": {"cluster": before}}}
    wanted = {"iam": {"path": "/eks/"}}

    if not is_refused:
        assert recorded(wanted, answers).registrations
        return
    with pytest.raises(pulumi.RunError, match="as when the roles were made"):
        recorded(wanted, answers)


def test_roles_that_exist_are_used_and_none_is_made_in_their_place() -> None:
    stack = recorded(GIVEN, aws=Iam(GOOD))

    assert not stack.of("NodeRole")
    assert not stack.of("RolePolicyAttachment")
    assert [entry.name for entry in stack.of("Role")] == ["dev-cilium-operator"]
    groups = [entry for entry in stack.of("NodeGroup") if entry.custom]
    assert {entry.inputs["nodeRoleArn"] for entry in groups} == {NODES}
    assert stack.only("Cluster").inputs["serviceRole"].endswith("aws:iam/role:Role::dev-role")


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({}, "what exists in this account"),
        (
            {**GOOD, "control": role(CONTROL_PLANE, "ec2.amazonaws.com")},
            "a role that eks.amazonaws.com may assume",
        ),
        ({**GOOD, "nodes": role(NODES, "eks.amazonaws.com")}, "this one trusts eks.amazonaws.com"),
        (
            {**GOOD, "control": role(CONTROL_PLANE.replace("/eks/", "/"), "eks.amazonaws.com")},
            "role/control, the role",
        ),
    ],
    ids=["missing", "of nodes", "of a control plane", "of another path"],
)
def test_roles_that_eks_could_not_use_are_refused(roles: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=re.escape(said)):
        recorded(GIVEN, aws=Iam(roles))


def test_a_role_without_awss_policy_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    recorded(GIVEN, aws=Iam({**GOOD, "nodes": role(NODES, "ec2.amazonaws.com", "own-policy")}))

    assert f"AmazonEKSWorkerNodePolicy is not attached to {NODES}" in caplog.text
    assert "AmazonEKSClusterPolicy" not in caplog.text


@pytest.mark.parametrize(
    ("wanted", "runs_with"),
    [
        ({"clusterRoleArn": CONTROL_PLANE}, f"arn:aws:iam::{ACCOUNT}:role/dev-eksRole-role-1234567"),
        ({}, CONTROL_PLANE),
    ],
    ids=["made, then given", "given, then made"],
)
def test_a_cluster_keeps_its_role(wanted: dict[str, Any], runs_with: str) -> None:
    answers = running()
    answers["getCluster"]["roleArn"] = runs_with
    changes = {"iam": wanted, "cluster": SETTINGS["cluster"]}

    with pytest.raises(pulumi.RunError, match=r"iam.clusterRoleArn is"):
        recorded(changes, answers, aws=Iam(GOOD))
