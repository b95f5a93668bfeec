"""Blockers and warnings of a refresh, and how previews show its plan."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from eks_cilium.cilium.limits import Limited
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.model import AddOn, Cluster, Facts, Owner, RollOut
from eks_cilium.migration.facts.network.model import AwsNode, IpBlock, Network, NetworkPolicy
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.model import Method, RefreshFacts, RefreshPlan
from eks_cilium.migration.refresh.planning import plan
from eks_cilium.migration.replicas.roll_outs import most_unavailable
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


def refused(result: RefreshPlan) -> list[Code]:
    return [blocker.code for blocker in result.blockers]


def warned(result: RefreshPlan) -> list[Code]:
    return [warning.code for warning in result.warnings]


def test_a_cluster_on_the_vpc_cni_is_chained_without_blockers_or_warnings():
    result = planned()

    assert (refused(result), warned(result)) == ([], [])
    assert report.verdict_of(result) == "Nothing blocks this plan."


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
def test_a_vpc_cni_that_cannot_be_chained_to_blocks(aws_node: AwsNode | None, code: Code, says: str):
    result = planned(World(3, aws_node=aws_node))

    assert refused(result) == [code]
    assert says in result.blockers[0].problem
    assert result.blockers[0].fix


@pytest.mark.parametrize("version", ["1.11.2", "1.20.0", "2.0.0", ""])
def test_a_vpc_cni_that_is_new_enough_or_of_an_unknown_version_does_not_block(version: str):
    assert refused(planned(World(3, aws_node=replace(CHAINABLE, version=version)))) == []


@pytest.mark.parametrize(
    ("add_on", "running"),
    [(AddOn("v1.21.1-eksbuild.1", "ACTIVE"), "v1.21.1-eksbuild.1"), (None, "not managed by EKS")],
)
def test_a_vpc_cni_that_was_upgraded_outside_this_program_blocks(add_on: AddOn | None, running: str):
    result = planned(World(3, add_on=add_on), version="v1.20.5-eksbuild.1")

    assert refused(result) == [Code.VPC_CNI_VERSION]
    assert running in result.blockers[0].problem


def test_the_pinned_version_does_not_block():
    world = World(3, add_on=AddOn("v1.20.5-eksbuild.1", "ACTIVE"))

    assert refused(planned(world, version="v1.20.5-eksbuild.1")) == []


def test_custom_networking_is_kept_without_a_warning():
    """Pods keep the subnets that the VPC CNI gives them: no warning is needed."""
    result = planned(World(3, aws_node=replace(CHAINABLE, custom_network=True)))

    assert (refused(result), warned(result)) == ([], [])


@pytest.mark.parametrize(
    ("cluster", "code"),
    [
        (Cluster("shop", "1.34", status="UPDATING"), Code.CLUSTER_NOT_ACTIVE),
        (Cluster("shop", "1.34", auto_mode=True), Code.AUTO_MODE),
    ],
)
def test_a_cluster_that_is_not_ready_or_in_auto_mode_blocks(cluster: Cluster, code: Code):
    assert refused(planned(World(3, cluster=cluster))) == [code]


def test_a_single_node_of_auto_mode_blocks_the_whole_cluster():
    world = World(2)
    world.nodes.append(node(2, labels={COMPUTE: "auto"}))

    assert refused(planned(world)) == [Code.AUTO_MODE]


def test_an_unchained_cilium_blocks():
    result = planned(found={"unchained_ipam": "eni"})

    assert refused(result) == [Code.CILIUM_ALONE]
    assert "ipam eni" in result.blockers[0].problem


# Security groups for pods


def test_security_groups_for_pods_block_and_can_be_permitted():
    policy = Reference("SecurityGroupPolicy", "shop", "db")
    world = World(3, security_group_policies=(policy,))

    result = planned(world)

    assert refused(result) == [Code.SECURITY_GROUP_POLICY_CHAINED]
    assert result.blockers[0].object == policy
    assert result.blockers[0].setting == "refresh.allow.securityGroupPolicies: true"
    assert refused(planned(world, allow={"security_group_policies": True})) == []


@pytest.mark.parametrize("allowed", [False, True])
def test_with_security_groups_for_pods_early_demultiplexing_blocks_whatever_is_permitted(allowed: bool):
    policies = (Reference("SecurityGroupPolicy", "shop", "db"),)
    on = World(3, security_group_policies=policies, aws_node=replace(CHAINABLE, early_demux=True))

    result = planned(on, allow={"security_group_policies": allowed})

    assert Code.EARLY_DEMUX in refused(result)
    assert "DISABLE_TCP_EARLY_DEMUX" in result.blockers[-1].fix


def test_without_security_groups_for_pods_early_demultiplexing_does_not_matter():
    assert refused(planned(World(3, aws_node=replace(CHAINABLE, early_demux=True)))) == []


# Nodes without agents


def test_pods_on_fargate_block_and_stay_where_that_is_permitted():
    world = World(3)
    world.nodes.append(node(3, labels={COMPUTE: "fargate"}))
    world.deployment("web", on=[0, 3])

    result = planned(world)
    allowed = planned(world, allow={"fargate_nodes": True})

    assert refused(result) == [Code.FARGATE_NODE]
    assert refused(allowed) == []
    assert warned(allowed) == [Code.NODE_WITHOUT_CILIUM]
    assert (allowed.total, allowed.pods) == (1, 1), "Cilium could never manage the other one"


def test_a_cluster_of_ipv6_blocks():
    result = planned(World(3, cluster=Cluster("shop", "1.34", ip_family="ipv6")))

    assert refused(result) == [Code.IP_FAMILY]


def test_ip_blocks_that_hold_pods_block_until_permitted():
    policy = NetworkPolicy(Reference("NetworkPolicy", "shop", "p"), (IpBlock("10.0.0.0/8"),))
    world = World(3, policies=(policy,), network=Network(cidrs=("10.0.0.0/16",)))

    blocked, permitted = planned(world), planned(world, allow={"ip_blocks": ("shop/p",)})

    assert refused(blocked) == [Code.IP_BLOCK]
    assert "refresh.allow.ipBlocks" in blocked.blockers[0].setting
    assert refused(permitted) == []
    assert Code.POLICIES_BEGIN in warned(permitted)


def test_other_plugins_and_host_ports_go_on_beside_the_vpc_cni():
    world = World(3, cni_plugins=(Reference("DaemonSet", "kube-system", "kube-multus-ds"),))
    world.pod("statsd", owner=world.owner("DaemonSet", "statsd"), host_ports=True)

    assert refused(planned(world)) == []


def test_a_cluster_of_fargate_alone_blocks():
    world = World(0)
    world.nodes = [node(0, labels={COMPUTE: "fargate"})]

    assert refused(planned(world)) == [Code.FARGATE_ONLY]


def test_pods_on_windows_are_a_warning_and_stay():
    world = World(2)
    world.nodes.append(node(2, labels={"kubernetes.io/os": "windows"}))
    world.deployment("web", on=[2])

    result = planned(world)

    assert (refused(result), warned(result), result.workloads) == ([], [Code.NODE_WITHOUT_CILIUM], ())


# Other warnings


def test_policies_that_use_what_is_limited_are_named_with_the_reason():
    limited = Limited("CiliumNetworkPolicy shop/dns", "rules above layer 4 need Cilium's proxy")

    result = planned(found={"limited": (limited,)})

    assert str(result.warnings[0]) == (
        "CiliumNetworkPolicy shop/dns: is limited in this mode: rules above layer 4 need Cilium's proxy"
    )


def test_node_groups_whose_new_nodes_do_not_wait_for_cilium_are_named():
    result = planned(found={"untainted": (Reference("NodeGroup", "", "general"),)})

    assert warned(result) == [Code.NO_START_UP_TAINT]
    warning = str(result.warnings[0])
    assert warning.startswith("NodeGroup general: gives new nodes no taint")
    assert "add it as NO_SCHEDULE once agents run on every node" in warning
    assert "NO_EXECUTE is for new groups" in warning


@pytest.mark.parametrize(("jobs", "code"), [(Jobs.WAIT, Code.JOB_AWAITED), (Jobs.LEAVE, Code.JOB_LEFT)])
def test_jobs_are_never_restarted_and_a_warning_says_what_happens_to_them(jobs: Jobs, code: Code):
    world = World(3)
    job = world.owner("Job", "import")
    world.pod("import-x", 0, job)

    result = planned(world, jobs=jobs)

    assert (refused(result), warned(result), result.workloads) == ([], [code], ())
    assert result.jobs == (Reference("Pod", "shop", "import-x"),)


def test_a_bare_pod_stays_and_the_setting_that_permits_its_eviction_is_named():
    world = World(3)
    world.pod("debug", 0)

    result = planned(world)

    assert warned(result) == [Code.BARE_POD_LEFT]
    assert 'refresh.allow.barePods: ["shop/debug"]' in str(result.warnings[0])
    assert result.workloads == ()


def test_all_blockers_are_reported_at_once():
    world = World(3, aws_node=replace(CHAINABLE, version="1.9.0", enforces_policies=True))
    world.deployment("web", on=[0, 1])
    world.budget("web", "web", min_available=2, desired_healthy=2)

    result = planned(world, found={"unchained_ipam": "eni"})

    assert set(refused(result)) == {
        Code.VPC_CNI_OLD,
        Code.VPC_CNI_ENFORCES,
        Code.CILIUM_ALONE,
        Code.BUDGET_NEVER_ALLOWS,
    }
    assert report.verdict_of(result).startswith("4 blockers: nothing is changed")


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
def test_without_a_rolling_update_one_pod_may_be_missing(roll_out: RollOut | None):
    owner = Owner(Reference("Deployment", "shop", "x"), desired=9, ready=9, roll_out=roll_out)

    assert most_unavailable(owner, 9) == most_unavailable(None, 9) == 1


# Reports


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

    result = planned(world)

    assert result.clean
    assert result.workloads[0].method is Method.ROLL_OUT
    assert report.lines_of(result, deployment("web"))[0].endswith(
        "roll out, its roll-out creates each new pod before it deletes an old one"
    )


def test_the_gate_says_how_many_pods_are_managed_and_which_will_not_be(shop: RefreshPlan):
    assert report.remainder(shop) == (
        "1 of 8 pods managed by Cilium now",
        "stay without it, since nothing recreates them: Pod shop/debug",
        "of Jobs, never restarted: Pod shop/import-x",
    )


def test_the_table_has_every_workload_and_every_warning(shop: RefreshPlan):
    text = report.table(shop)

    assert "Cluster shop: 1 of 8 pods managed by Cilium, 5 pods of 1 workload to restart" in text
    assert (
        lacking(
            text,
            [
                "Deployment shop/web",
                "shop/web: 5 pods, 1 allowed, waits 4 x",
                "Pod shop/debug",
                "Nothing blocks",
            ],
        )
        == []
    )


def test_the_table_has_every_blocker_with_its_fix():
    result = planned(World(3, security_group_policies=(Reference("SecurityGroupPolicy", "shop", "db"),)))

    text = report.table(result)

    assert (
        lacking(text, ["Blockers:", "SecurityGroupPolicy shop/db", "allowed:", "to fix it:", "to permit:"])
        == []
    )


def lacking(text: str, parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part not in text]
