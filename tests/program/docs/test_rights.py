"""docs/iam.md lists what the program needs in AWS: nothing that is used is missing, nothing else is there."""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import pytest

from eks_cilium.rights import calls
from eks_cilium.rights.page import FILE, page
from eks_cilium.rights.policies import (
    CHAINED,
    CHAINING,
    JOBS,
    LARGEST,
    MESH,
    NEW_CLUSTER,
    REPLACEMENT,
    Job,
    deploy_policies,
    preview_policy,
)
from eks_cilium.rights.resources import FUNCTIONS, RESOURCES
from eks_cilium.rights.scope import ATTACHED, is_read
from tests.program.components import (
    test_chaining_resources,
    test_mesh_resources,
    test_new_chained_resources,
    test_new_cluster_resources,
    test_replacement_resources,
)

pytestmark = pytest.mark.simulation

ROOT = Path(__file__).parents[3]
SERVICES = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "eks": "eks",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "route53": "route53",
    "s3": "s3",
    "sts": "sts",
}
"""The prefix of each service's actions in a policy, by its name in boto3."""
OF_THE_COMPONENT = {"eks.AccessEntry", "eks.AccessPolicyAssociation", "eks.Cluster"}
"""What `eks.Cluster` of pulumi-eks registers, and no code of this program."""
NO_CALLS = {"iam:PassRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"}
"""Actions that other calls ask for."""


def methods() -> dict[str, set[str]]:
    """Actions by the name of boto3's method."""
    session = boto3.Session(region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    found: dict[str, set[str]] = {}
    for service, prefix in SERVICES.items():
        for method, operation in session.client(service).meta.method_to_api_mapping.items():
            found.setdefault(method, set()).add(f"{prefix}:{operation}")
    return found


METHODS = methods()


def sources(*folders: str) -> Iterator[ast.AST]:
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            yield from ast.walk(ast.parse(file.read_text()))


@cache
def asked_for() -> list[set[str]]:
    """For each call of boto3 in the program its action; several where services have the same method.

    A method is an attribute, or the text that a paginator is made of.
    """
    names = {
        node.attr if isinstance(node, ast.Attribute) else node.value
        for node in sources("eks_cilium", "stacks", "components")
        if isinstance(node, ast.Attribute) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    return [METHODS[name] for name in sorted(names) if name in METHODS and "_" in name]


def used_of_the_provider() -> set[str]:
    nodes = sources("stacks", "components")
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = {name.removeprefix("aws.") for name in called if name.startswith("aws.")}
    return {name for name in names if not name.endswith(("Args", ".get")) and name != "Provider"}


def in_pulumi(token: str) -> str:
    """The name of a class in `pulumi_aws` of a type such as aws:ec2/vpc:Vpc."""
    _, module, name = token.split(":")
    return f"{module.partition('/')[0]}.{name}"


def everything(job: Job) -> frozenset[str]:
    return job.actions(changing=True)


def test_the_page_is_the_one_generated_from_the_tables():
    assert (ROOT / FILE).read_text() == page(), f"run `python -m eks_cilium.rights.page --write {FILE}`"


def test_every_action_is_in_the_list_of_rights():
    listed = {action for group in calls.ALL for action in group}

    assert [actions for actions in asked_for() if not actions & listed] == []


def test_every_action_in_the_list_is_asked_for():
    asked = {action for actions in asked_for() for action in actions}

    assert {action for group in calls.ALL for action in group} - asked == set()


def test_calls_with_paginators_are_among_them():
    asked = {action for actions in asked_for() for action in actions}

    assert {"ec2:DescribeInstances", "eks:ListNodegroups", "eks:UpdateNodegroupConfig"} <= asked


def test_every_resource_and_function_of_the_provider_is_listed_and_no_other():
    assert used_of_the_provider() | OF_THE_COMPONENT == {*RESOURCES, *FUNCTIONS}


def test_every_entry_of_the_tables_belongs_to_a_job():
    parts = [part for job in JOBS for part in job.parts]

    assert {kind for part in parts for kind in part.resources} == set(RESOURCES)
    assert {name for part in parts for name in part.functions} == set(FUNCTIONS)
    assert {action for group in calls.ALL for action in group} <= {
        action for part in parts for action in part.calls
    }


@pytest.mark.parametrize(
    ("job", "recorded"),
    [
        (NEW_CLUSTER, test_new_cluster_resources.recorded),
        (CHAINED, test_new_chained_resources.recorded),
        (CHAINING, test_chaining_resources.recorded),
        (REPLACEMENT, test_replacement_resources.recorded),
        (MESH, test_mesh_resources.registered),
        (MESH, lambda: test_mesh_resources.registered({"connection": {"type": "transit-gateway"}})),
    ],
)
def test_every_resource_of_a_mode_is_in_its_policies(job: Job, recorded):
    kinds = {in_pulumi(entry.type) for entry in recorded().registrations if entry.type.startswith("aws:")}

    assert kinds <= {kind for part in job.parts for kind in part.resources}


def documents() -> list[dict]:
    previews = [preview_policy(job) for job in JOBS]
    return [*previews, *(document for job in JOBS for document in deploy_policies(job).values())]


def test_every_action_exists():
    known = {action for actions in METHODS.values() for action in actions} | NO_CALLS
    # IAM's names of these are not those of the operations.
    written = {action for job in JOBS for action in everything(job)}

    assert written - known == set()


def test_every_policy_fits_into_a_managed_policy():
    sizes = [len("".join(json.dumps(document).split())) for document in documents()]

    assert max(sizes) <= LARGEST


def test_the_parts_of_a_job_hold_each_of_its_actions():
    for job in JOBS:
        parts = deploy_policies(job).values()
        given = {action for part in parts for entry in part["Statement"] for action in entry["Action"]}
        assert given == everything(job), job.title


def test_a_preview_may_change_nothing():
    actions = [
        action
        for job in JOBS
        for statement in preview_policy(job)["Statement"]
        for action in statement["Action"]
    ]

    assert actions
    assert all(is_read(action) for action in actions)


def test_changes_are_limited_to_resources_or_by_conditions():
    free = {
        action
        for document in documents()
        for statement in document["Statement"]
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in statement["Action"]
        if not is_read(action)
    }

    # Of Route 53, which has no regions; their other resource is a VPC.
    assert free == {
        "route53:AssociateVPCWithHostedZone",
        "route53:CreateHostedZone",
        "route53:DisassociateVPCFromHostedZone",
    }


def test_the_policies_that_may_be_attached_are_those_of_the_components():
    text = "\n".join(file.read_text() for file in (ROOT / "components").rglob("*.py"))
    own = {name for name in ATTACHED if name in text}

    assert set(ATTACHED) - own == {"AmazonEKSClusterPolicy"}, "that of the component eks.Cluster"
