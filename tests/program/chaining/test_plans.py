"""What the plan of a chain refuses, what it says before, and how previews show it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from eks_cilium.cilium.limits import Limited
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.model import AddOn, AwsNode, Cluster, Facts, Owner, RollOut
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.methods import most_unavailable
from eks_cilium.migration.refresh.model import Method, RefreshFacts, RefreshPlan
from eks_cilium.migration.refresh.planning import plan
from eks_cilium.settings.model.migration import Jobs
from tests.program.plan.builders import World, node

from .simulation import deployment, options

pytestmark = pytest.mark.unit

COMPUTE = "eks.amazonaws.com/compute-type"
CHAINABLE = AwsNode(desired=3, ready=3, version="1.20.5", early_demux=False)


def planned(
    world: World | None = None, *, found: dict[str, Any] | None = None, version: str = "", **given: Any
) -> RefreshPlan:
    """The plan for a world whose aws-node can be chained to, unless the test says otherwise."""
    world = world or World(3)
    facts: Facts = world.facts()
    if "aws_node" not in world.changes:
        facts = replace(facts, aws_node=CHAINABLE)
    return plan(RefreshFacts(facts=facts, **(found or {})), options(**given), vpc_cni_version=version)


def refused(made: RefreshPlan) -> list[Code]:
    return [one.code for one in made.blockers]


def warned(made: RefreshPlan) -> list[Code]:
    return [one.code for one in made.warnings]


def test_a_cluster_on_the_vpc_cni_is_chained_without_a_word():
    made = planned()

    assert (refused(made), warned(made)) == ([], [])
    assert report.verdict_of(made) == "Nothing blocks this plan."


# The cluster and its VPC CNI


@pytest.mark.parametrize(
    ("aws_node", "code", "says"),
    [
        (None, Code.NO_VPC_CNI, "no CNI to chain Cilium to"),
        (replace(CHAINABLE, version="1.11.1"), Code.VPC_CNI_OLD, "is version 1.11.1"),
        (replace(CHAINABLE, version="1.9.0"), Code.VPC_CNI_OLD, "is version 1.9.0"),
        (replace(CHAINABLE, enforces_policies=True), Code.VPC_CNI_ENFORCES, "two enforcers"),
    ],
)
def test_a_vpc_cni_that_cannot_be_chained_to_is_refused(aws_node: AwsNode | None, code: Code, says: str):
    made = planned(World(3, aws_node=aws_node))

    assert refused(made) == [code]
    assert says in made.blockers[0].problem
    assert made.blockers[0].fix


@pytest.mark.parametrize("version", ["1.11.2", "1.20.0", "2.0.0", ""])
def test_a_vpc_cni_that_is_new_enough_or_known_by_its_digest_alone_is_not(version: str):
    assert refused(planned(World(3, aws_node=replace(CHAINABLE, version=version)))) == []


@pytest.mark.parametrize(
    ("add_on", "running"),
    [(AddOn("v1.21.1-eksbuild.1", "ACTIVE"), "v1.21.1-eksbuild.1"), (None, "not managed by EKS")],
)
def test_a_vpc_cni_that_somebody_upgraded_is_refused(add_on: AddOn | None, running: str):
    made = planned(World(3, add_on=add_on), version="v1.20.5-eksbuild.1")

    assert refused(made) == [Code.VPC_CNI_VERSION]
    assert running in made.blockers[0].problem


def test_the_version_that_is_pinned_is_not_refused():
    world = World(3, add_on=AddOn("v1.20.5-eksbuild.1", "ACTIVE"))

    assert refused(planned(world, version="v1.20.5-eksbuild.1")) == []


def test_custom_networking_stays_as_it_is():
    """Pods keep the subnets that the VPC CNI gives them: nobody has to know of it."""
    made = planned(World(3, aws_node=replace(CHAINABLE, custom_network=True)))

    assert (refused(made), warned(made)) == ([], [])


@pytest.mark.parametrize(
    ("cluster", "code"),
    [
        (Cluster("shop", "1.34", status="UPDATING"), Code.CLUSTER_NOT_ACTIVE),
        (Cluster("shop", "1.34", auto_mode=True), Code.AUTO_MODE),
    ],
)
def test_a_cluster_that_is_not_ready_or_brings_its_own_plugin_is_refused(cluster: Cluster, code: Code):
    assert refused(planned(World(3, cluster=cluster))) == [code]


def test_a_node_of_auto_mode_is_as_much_as_the_whole_cluster():
    world = World(2)
    world.nodes.append(node(2, labels={COMPUTE: "auto"}))

    assert refused(planned(world)) == [Code.AUTO_MODE]


def test_a_cilium_on_its_own_is_refused():
    made = planned(found={"unchained_ipam": "eni"})

    assert refused(made) == [Code.CILIUM_ALONE]
    assert "ipam eni" in made.blockers[0].problem


# Security groups for pods


def test_security_groups_of_pods_own_are_refused_and_can_be_allowed():
    policy = Reference("SecurityGroupPolicy", "shop", "db")
    world = World(3, security_group_policies=(policy,))

    made = planned(world)

    assert refused(made) == [Code.SECURITY_GROUP_POLICY_CHAINED]
    assert made.blockers[0].object == policy
    assert made.blockers[0].setting == "refresh.allow.securityGroupPolicies: true"
    assert refused(planned(world, allow={"security_group_policies": True})) == []


@pytest.mark.parametrize("allowed", [False, True])
def test_with_them_early_demultiplexing_is_refused_whatever_is_allowed(allowed: bool):
    policies = (Reference("SecurityGroupPolicy", "shop", "db"),)
    on = World(3, security_group_policies=policies, aws_node=replace(CHAINABLE, early_demux=True))

    made = planned(on, allow={"security_group_policies": allowed})

    assert Code.EARLY_DEMUX in refused(made)
    assert "DISABLE_TCP_EARLY_DEMUX" in made.blockers[-1].fix


def test_without_them_it_is_nobodys_business():
    assert refused(planned(World(3, aws_node=replace(CHAINABLE, early_demux=True)))) == []


# Nodes without agents


def test_pods_on_fargate_are_refused_and_stay_where_that_is_allowed():
    world = World(3)
    world.nodes.append(node(3, labels={COMPUTE: "fargate"}))
    world.deployment("web", on=[0, 3])

    made = planned(world)
    allowed = planned(world, allow={"fargate_nodes": True})

    assert refused(made) == [Code.FARGATE_NODE]
    assert refused(allowed) == []
    assert warned(allowed) == [Code.NODE_WITHOUT_CILIUM]
    assert (allowed.total, allowed.pods) == (1, 1), "Cilium could never manage the other one"


def test_a_cluster_of_fargate_alone_is_refused():
    world = World(0)
    world.nodes = [node(0, labels={COMPUTE: "fargate"})]

    assert refused(planned(world)) == [Code.FARGATE_ONLY]


def test_pods_on_windows_are_told_and_left():
    world = World(2)
    world.nodes.append(node(2, labels={"kubernetes.io/os": "windows"}))
    world.deployment("web", on=[2])

    made = planned(world)

    assert (refused(made), warned(made), made.workloads) == ([], [Code.NODE_WITHOUT_CILIUM], ())


# What else to know before


def test_policies_that_use_what_is_limited_are_named_with_the_reason():
    limited = Limited("CiliumNetworkPolicy shop/dns", "rules above layer 4 need Cilium's proxy")

    made = planned(found={"limited": (limited,)})

    assert str(made.warnings[0]) == (
        "CiliumNetworkPolicy shop/dns: is limited in this mode: rules above layer 4 need Cilium's proxy"
    )


def test_node_groups_whose_new_nodes_do_not_wait_for_cilium_are_named():
    made = planned(found={"untainted": (Reference("NodeGroup", "", "general"),)})

    assert warned(made) == [Code.NO_START_UP_TAINT]
    assert str(made.warnings[0]).startswith("NodeGroup general: gives new nodes no taint")


@pytest.mark.parametrize(("jobs", "code"), [(Jobs.WAIT, Code.JOB_AWAITED), (Jobs.LEAVE, Code.JOB_LEFT)])
def test_jobs_are_never_restarted_and_said_to_be_waited_for_or_left(jobs: Jobs, code: Code):
    world = World(3)
    job = world.owner("Job", "import")
    world.pod("import-x", 0, job)

    made = planned(world, jobs=jobs)

    assert (refused(made), warned(made), made.workloads) == ([], [code], ())
    assert made.jobs == (Reference("Pod", "shop", "import-x"),)


def test_a_bare_pod_is_left_and_the_setting_that_lets_it_go_is_named():
    world = World(3)
    world.pod("debug", 0)

    made = planned(world)

    assert warned(made) == [Code.BARE_POD_LEFT]
    assert 'refresh.allow.barePods: ["shop/debug"]' in str(made.warnings[0])
    assert made.workloads == ()


def test_what_forbids_it_comes_all_at_once():
    world = World(3, aws_node=replace(CHAINABLE, version="1.9.0", enforces_policies=True))
    world.deployment("web", on=[0, 1])
    world.budget("web", "web", min_available=2, desired_healthy=2)

    made = planned(world, found={"unchained_ipam": "eni"})

    assert set(refused(made)) == {
        Code.VPC_CNI_OLD,
        Code.VPC_CNI_ENFORCES,
        Code.CILIUM_ALONE,
        Code.BUDGET_NEVER_ALLOWS,
    }
    assert report.verdict_of(made).startswith("4 blockers: nothing is changed")


# How many at once


@pytest.mark.parametrize(
    ("kind", "missing", "pods", "at_once"),
    [
        ("DaemonSet", "10%", 12, 2),
        ("DaemonSet", 1, 12, 1),
        ("DaemonSet", "0%", 12, 1),
        ("StatefulSet", 3, 6, 1),
        ("Deployment", "25%", 7, 1),
        ("Deployment", "25%", 12, 3),
        ("Deployment", "0%", 12, 1),
    ],
)
def test_percentages_are_rounded_as_kubernetes_rounds_them(
    kind: str, missing: int | str, pods: int, at_once: int
):
    desired = None if kind == "DaemonSet" else pods
    roll_out = RollOut("RollingUpdate", max_unavailable=missing, max_surge="25%")
    owner = Owner(Reference(kind, "shop", "x"), desired=desired, ready=pods, roll_out=roll_out)

    assert most_unavailable(owner, pods) == at_once


@pytest.mark.parametrize("roll_out", [None, RollOut("OnDelete"), RollOut("Recreate")])
def test_where_there_is_no_rolling_update_it_is_one(roll_out: RollOut | None):
    owner = Owner(Reference("Deployment", "shop", "x"), desired=9, ready=9, roll_out=roll_out)

    assert most_unavailable(owner, 9) == most_unavailable(None, 9) == 1


# Words


@pytest.fixture
def shop() -> RefreshPlan:
    """Six pods under a budget, one of them managed already, a bare pod and a Job."""
    world = World(3)
    pods = world.deployment("web", on=[0, 1, 2, 0, 1, 2])
    roll(world, "web", "50%")
    world.budget("web", "web", max_unavailable=1, desired_healthy=5)
    world.pod("debug", 0)
    world.pod("import-x", 1, world.owner("Job", "import"))
    return planned(world, found={"managed": frozenset({pods[0].uid})}, parallel=2)


def roll(world: World, name: str, missing: int | str) -> None:
    reference = deployment(name)
    roll_out = RollOut("RollingUpdate", max_unavailable=missing, max_surge="25%")
    world.owners[reference] = replace(world.owners[reference], roll_out=roll_out)


def test_the_lines_of_one_workload_say_how_why_how_many_and_how_long(shop: RefreshPlan):
    first, *lines, last = report.lines_of(shop, deployment("web"))

    assert first == (
        "1. 5 pods, 3 at once: evict, its roll-out would make 3 of 6 pods unavailable without asking a budget"
    )
    assert [line.partition(":")[0] for line in lines[:-1]] == ["evict 1 pod", "evict 4 pods"]
    assert lines[-1] == "budget shop/web: 5 pods, 1 allowed, waits 4 x"
    assert last.startswith("about ")


def test_a_workload_without_anything_left_says_so(shop: RefreshPlan):
    assert report.lines_of(shop, deployment("api")) == ("nothing left to restart",)


def test_a_roll_out_asks_no_budget():
    world = World(3)
    world.deployment("web", on=[0, 1])
    roll(world, "web", "25%")
    world.budget("web", "web", min_available=2, desired_healthy=2)

    made = planned(world)

    assert made.clean
    assert made.workloads[0].method is Method.ROLL_OUT
    assert report.lines_of(made, deployment("web"))[0].endswith(
        "roll out, its roll-out creates each new pod before it deletes an old one"
    )


def test_the_gate_says_how_many_and_which_are_left(shop: RefreshPlan):
    assert report.remainder(shop) == (
        "1 of 8 pods managed by Cilium now",
        "stay without it, since nothing recreates them: Pod shop/debug",
        "of Jobs, never restarted: Pod shop/import-x",
    )


@pytest.mark.parametrize("words", [report.table, report.markdown])
def test_the_table_and_the_markdown_have_every_workload_and_every_warning(shop: RefreshPlan, words: Any):
    told = words(shop)

    assert "Cluster shop: 1 of 8 pods managed by Cilium, 5 pods of 1 workload to restart" in told
    assert (
        lacking(
            told,
            [
                "Deployment shop/web",
                "shop/web: 5 pods, 1 allowed, waits 4 x",
                "Pod shop/debug",
                "Nothing blocks",
            ],
        )
        == []
    )


def test_the_table_has_every_blocker_with_its_way_out():
    made = planned(World(3, security_group_policies=(Reference("SecurityGroupPolicy", "shop", "db"),)))

    told = report.table(made)

    assert (
        lacking(told, ["Blockers:", "SecurityGroupPolicy shop/db", "allowed:", "to fix it:", "to permit:"])
        == []
    )


def lacking(told: str, parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part not in told]
