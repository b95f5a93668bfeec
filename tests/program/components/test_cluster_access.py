"""Who may use a new cluster: its access entries, and what a transform changes in EKS's component."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest

from components.cluster.adjustments import Adjustments
from stacks import new_cluster
from tests.program.components.recording import ACCOUNT, DEPLOYER, Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import SETTINGS, recorded, settings_of
from tests.program.components.test_what_exists import running

pytestmark = pytest.mark.simulation

DEPLOY = f"arn:aws:iam::{ACCOUNT}:role/ci/deploy"
SHOP = f"arn:aws:iam::{ACCOUNT}:role/shop"
OTHER = f"arn:aws:sts::{ACCOUNT}:assumed-role/operations/you"
BORN = datetime(2026, 1, 1, tzinfo=UTC)
NODES = f"arn:aws:iam::{ACCOUNT}:role/karpenter"
CLUSTER, ROLE = "aws:eks/cluster:Cluster", "aws:iam/role:Role"


def cluster(**keys: Any) -> dict[str, Any]:
    return {"cluster": {"name": "dev", "kubernetesVersion": "1.34", **keys}}


def entries(stack: Recorder) -> dict[str, Any]:
    return dict(stack.only("Cluster").inputs["accessEntries"])


def transformed(
    stack: Recorder, kind: str, props: dict[str, Any]
) -> tuple[dict[str, Any], pulumi.ResourceOptions]:
    """What the transforms of the component make of one of its children."""
    options = pulumi.ResourceOptions()
    for transform in stack.only("Cluster").transforms:
        args = pulumi.ResourceTransformArgs(True, kind, "child", props, options)
        result = transform(args)
        if result is not None:
            assert isinstance(result, pulumi.ResourceTransformResult)
            props, options = dict(result.props), result.opts
    return props, options


def test_entries_have_policies_for_the_cluster_or_for_namespaces_and_groups() -> None:
    wanted = [
        {
            "principalArn": SHOP,
            "policies": [{"policy": "edit", "namespaces": ["shop", "dev-*"]}, {"policy": "view"}],
            "kubernetesGroups": ["shop-developers"],
        },
        {"principalArn": NODES, "type": "EC2_LINUX"},
    ]

    found = entries(recorded(cluster(accessEntries=wanted)))

    shop, nodes = found[f"{ACCOUNT}-role-shop"], found[f"{ACCOUNT}-role-karpenter"]
    prefix = "arn:aws:eks::aws:cluster-access-policy"
    assert shop["kubernetesGroups"] == ["shop-developers"]
    assert shop["accessPolicies"] == {
        "AmazonEKSEditPolicy": {
            "policyArn": f"{prefix}/AmazonEKSEditPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["shop", "dev-*"]},
        },
        "AmazonEKSViewPolicy": {
            "policyArn": f"{prefix}/AmazonEKSViewPolicy",
            "accessScope": {"type": "cluster"},
        },
    }
    assert (nodes["type"], nodes.get("accessPolicies") or {}) == ("EC2_LINUX", {})


def test_an_admin_is_the_same_resource_however_the_policy_is_spelled() -> None:
    """A move from `admins` to `accessEntries` has to change nothing, or access would be lost for a while."""
    policies = ["cluster-admin", "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"]

    spelled = [
        entries(recorded(cluster(accessEntries=[{"principalArn": SHOP, "policies": [{"policy": policy}]}])))
        for policy in policies
    ]

    assert spelled[0] == spelled[1] == entries(recorded(cluster(admins=[SHOP])))


def test_entries_of_another_partition_have_its_policies() -> None:
    there = "arn:aws-us-gov:iam::111122223333:role/shop"

    found = entries(recorded({**cluster(admins=[there]), "aws:region": "us-gov-west-1"}))

    assert found[f"{ACCOUNT}-role-shop"]["accessPolicies"]["admin"]["policyArn"].startswith(
        "arn:aws-us-gov:eks:"
    )


def test_without_wishes_the_component_is_left_as_it_is() -> None:
    assert recorded(cluster()).only("Cluster").transforms == ()


@pytest.mark.parametrize(
    "kind", ["aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"]
)
def test_an_entry_is_deleted_before_its_replacement_is_made(kind: str) -> None:
    stack = recorded(cluster(admins=[SHOP]))

    props, options = transformed(stack, kind, {"principalArn": SHOP})

    assert (props, options.delete_before_replace) == ({"principalArn": SHOP}, True)


def test_the_creator_is_no_admin_where_another_entry_rules() -> None:
    stack = recorded(cluster(creatorAdmin=False, admins=[DEPLOY], authenticationMode="API_AND_CONFIG_MAP"))
    made = {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": True}, "name": "dev"}

    props, _ = transformed(stack, CLUSTER, made)

    assert props == {
        "name": "dev",
        "accessConfig": {
            "authenticationMode": "API_AND_CONFIG_MAP",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
    }
    # With API_AND_CONFIG_MAP the component would write aws-auth, before anybody may.
    assert stack.only("Cluster").inputs["authenticationMode"] == "API"


def test_what_is_installed_is_deleted_before_the_entry_by_which_the_program_works() -> None:
    stack = recorded(cluster(creatorAdmin=False, admins=[DEPLOY]))
    (rights,) = stack.of("AccessPolicyAssociation")
    gate = stack.only("AccessGate")

    assert not entries(stack)
    assert stack.waits_for(rights, stack.only("AccessEntry"))
    assert stack.waits_for(gate, rights)
    assert stack.waits_for(stack.only("kubernetes"), gate)
    assert stack.waits_for(stack.only("Release"), gate)
    assert len(gate.inputs["made"]) == 2


def test_nothing_waits_for_entries_by_which_the_program_does_not_work() -> None:
    assert not recorded(cluster(admins=[SHOP])).of("AccessGate")


def test_what_is_not_the_clusters_is_left_alone() -> None:
    transform = Adjustments(creator_admin=False).transform()
    options = pulumi.ResourceOptions()

    for kind in ("aws:ec2/securityGroup:SecurityGroup", ROLE):
        assert transform(pulumi.ResourceTransformArgs(True, kind, "x", {"a": 1}, options)) is None


@pytest.mark.parametrize("arn", [DEPLOYER, f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/other"])
def test_whoever_runs_the_program_has_to_be_able_to_install_cilium(arn: str) -> None:
    recorded(cluster(creatorAdmin=False, admins=[DEPLOY]), aws=WithoutKey(arn))
    with pytest.raises(pulumi.RunError) as refusal:
        recorded(cluster(creatorAdmin=False, admins=[SHOP]), aws=WithoutKey(arn))

    message = str(refusal.value)
    assert f"an entry with policy cluster-admin for the whole cluster for {arn}" in message
    assert f'set eks-cilium:cluster.admins to ["{SHOP}", "arn:aws:iam::{ACCOUNT}:role/deploy"]' in message


def test_a_policy_for_some_namespaces_does_not_install_cilium() -> None:
    partly = {
        "principalArn": DEPLOY,
        "policies": [{"policy": "cluster-admin", "namespaces": ["kube-system"]}],
    }

    with pytest.raises(pulumi.RunError, match="which runs this program and installs Cilium"):
        recorded(cluster(creatorAdmin=False, admins=[SHOP], accessEntries=[partly]))


@pytest.mark.parametrize(
    "wanted",
    [{"admins": [DEPLOY]}, {"accessEntries": [{"principalArn": DEPLOY, "policies": [{"policy": "view"}]}]}],
    ids=lambda wanted: next(iter(wanted)),
)
def test_the_creator_gets_no_second_entry(wanted: dict[str, Any]) -> None:
    """EKS refuses it when the cluster exists already: with ResourceInUseException."""
    with pytest.raises(pulumi.RunError, match="EKS makes its entry itself and refuses a second"):
        recorded(cluster(**wanted))


def test_an_entry_of_a_later_caller_is_no_second_one() -> None:
    assert recorded(cluster(admins=[DEPLOY]), running()).only("Cluster")


def exports(answers: dict[str, Any] | None = None, aws: Any = None) -> dict[str, Any]:
    """The output `cluster`, in which all of this is known at once."""
    kept: dict[str, Any] = {}
    settings = settings_of(cluster())
    record(lambda: kept.update(new_cluster.run(settings, aws_client=lambda *_: aws or WithoutKey())), answers)
    return dict(kept["cluster"])


def exported(**cluster: Any) -> dict[str, Any]:
    """A running cluster, and what its stack exported."""
    return {**running(), "readStackOutputs": {"outputs": {"cluster": {"name": "dev", **cluster}}}}


def test_who_creates_the_cluster_is_exported_and_stays_it_whoever_runs_later() -> None:
    new, later = exports(), exports(exported(creator=DEPLOYER), WithoutKey(OTHER))

    assert [found["creator"] for found in (new, later)] == [DEPLOYER, DEPLOYER]
    assert "creator" not in exports(running())


@pytest.mark.parametrize("runs", [DEPLOYER, OTHER])
def test_the_creator_of_a_running_cluster_gets_no_second_entry(runs: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"others than {DEPLOYER}, which creates the cluster"):
        recorded(cluster(admins=[SHOP, DEPLOY]), exported(creator=DEPLOYER), aws=WithoutKey(runs))


class WithEntries(WithoutKey):
    """EKS, where a cluster has access entries that are so many seconds younger than itself."""

    def __init__(self, **age: float) -> None:
        super().__init__()
        self._age = age

    def describe_cluster(self, name: str) -> dict[str, Any]:
        return {"cluster": {"name": name, "createdAt": BORN}}

    def describe_access_entry(self, *, clusterName: str, principalArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        age = self._age.get(principalArn.rpartition("/")[2])
        if age is None:
            return super().describe_access_entry(clusterName=clusterName, principalArn=principalArn)
        return {"accessEntry": {"createdAt": BORN + timedelta(seconds=age)}}


def test_the_entry_that_came_with_a_cluster_of_an_earlier_version_is_its_creators() -> None:
    found = WithEntries(deploy=20, shop=700)

    assert recorded(cluster(admins=[SHOP]), running(), aws=found).only("Cluster")
    with pytest.raises(pulumi.RunError, match=f"others than {DEPLOY}, which created the cluster"):
        recorded(cluster(admins=[SHOP, DEPLOY]), running(), aws=found)


@pytest.mark.parametrize(("was", "wanted"), [(None, False), (True, False), (False, True)])
def test_the_creators_access_is_not_changed_later(was: bool | None, wanted: bool) -> None:
    before = {"name": "dev"} if was is None else {"name": "dev", "creatorAdmin": was}
    answers = {**running(), "readStackOutputs": {"outputs": {"cluster": before}}}

    with pytest.raises(pulumi.RunError, match="as when the cluster was created: EKS reads it only then"):
        recorded(cluster(creatorAdmin=wanted, admins=[DEPLOY]), answers)


def test_the_creators_access_stays_as_it_was_made() -> None:
    answers = {**running(), "readStackOutputs": {"outputs": {"cluster": {"creatorAdmin": False}}}}

    assert recorded(cluster(creatorAdmin=False, admins=[DEPLOY]), answers).only("Cluster")


def test_nobody_is_asked_where_the_answer_does_not_matter() -> None:
    assert SETTINGS["cluster"]["admins"]
    assert recorded(cluster(), aws=WithoutKey("::::unknown:x")).only("Cluster")
