"""The reports of a plan, for people and for programs."""

import json
from dataclasses import replace

import pytest

from eks_cilium.cluster.names import ROTATION_ANNOTATION
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration import report
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.plan.model import BudgetUse, Code, Plan
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.plan.wording import BLOCKERS, WARNINGS
from eks_cilium.migration.report.table import short_names, short_zones
from eks_cilium.migration.report.wording import duration, headline, headline_of
from eks_cilium.settings.model.migration import Allow, MigrationOptions
from tests.program.plan.builders import World, group, node

pytestmark = pytest.mark.unit


def refused() -> Facts:
    world = World(3)
    world.nodes[2] = node(2, annotations={ROTATION_ANNOTATION: "draining"})
    world.deployment("web", [0, 0, 1])
    world.budget("web", "web", max_unavailable=1, desired_healthy=2)
    world.deployment("stuck", [1])
    world.budget("stuck", "stuck", max_unavailable=0, desired_healthy=1)
    world.pod("agent", 0, world.owner("DaemonSet", "agent"))
    world.groups = [group(world.nodes, "eks-workers-6d2f", node_group="workers")]
    return world.facts()


@pytest.fixture
def result() -> Plan:
    return plan(refused())


def test_the_table_has_one_line_a_node_in_order(result: Plan):
    lines = report.table(result).splitlines()
    rows = [line.split() for line in lines[4:7]]

    assert [row[:4] for row in rows] == [
        ["1*", "node-2", "1c", "workers"],
        ["2", "node-0", "1a", "workers"],
        ["3", "node-1", "1b", "workers"],
    ]
    assert "shop/web: 2 pods, 1 allowed, waits 1 x" in lines[5]


def named_at_length(plan: Plan, budget: str) -> Plan:
    """The plan with names as EKS gives them, and two budgets on each node."""
    group = "eks-general-purpose-workers-36171458-c0a8-4d7e-9b1f-1c2d3e4f5a6b"
    uses = tuple(
        BudgetUse(Reference("PodDisruptionBudget", "shop", f"{budget}-{number}"), 2, 1, 1)
        for number in range(2)
    )
    nodes = tuple(
        replace(
            node,
            position=4999,
            node=f"ip-10-101-128-20{index}.eu-central-1.compute.internal",
            group=group,
            seconds=replace(node.seconds, drain=3600.0),
            ends=360_000,
            budgets=uses,
        )
        for index, node in enumerate(plan.nodes)
    )
    groups = tuple(replace(each, name=group, node_group="") for each in plan.groups)
    return replace(plan, nodes=nodes, groups=groups)


@pytest.mark.parametrize(
    ("budget", "cell"),
    [("a", "2, waits 2 x"), ("checkout-service-of-the-shop", "2, waits 2 x")],
)
def test_the_table_fits_120_columns_whatever_the_names(result: Plan, budget: str, cell: str):
    text = report.table(named_at_length(result, budget))
    rows = text.split("\n\n")[1].splitlines()

    assert max(map(len, rows)) <= 120
    assert all(row.endswith(cell) for row in rows[1:])
    assert [row.split()[1] for row in rows[1:]] == [f"ip-10-101-128-20{index}" for index in range(3)]
    assert "compute.internal" not in text.split("\n\n")[1]


def test_nodes_keep_the_names_that_only_their_domains_tell_apart():
    assert short_names(["a.eu", "a.us"]) == ["a.eu", "a.us"]
    assert short_names(["a.eu", "b.eu"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("zones", "short"),
    [
        (["eu-central-1a", "eu-central-1b"], ["1a", "1b"]),
        (["us-west-2a", "us-west-2-lax-1a"], ["2a", "2-lax-1a"]),
        (["eu-central-1a"], ["1a"]),
        (["eu-central-1a", ""], ["eu-central-1a", ""]),
        ([], []),
    ],
)
def test_zones_are_named_without_what_all_of_them_share(zones: list[str], short: list[str]):
    assert short_zones(zones) == dict(zip(zones, short, strict=True))


def test_the_table_ends_with_the_blockers_and_how_to_permit_them(result: Plan):
    text = report.table(result)

    assert "PodDisruptionBudget shop/stuck (on node-1) [budget-never-allows]" in text
    assert "maxUnavailable: 0 requires 1 of 1 pods healthy" in text
    assert 'to permit: migration.allow.budgets: ["shop/stuck"]' in text
    assert text.endswith("1 blocker: nothing is changed until all are fixed or permitted.\n")


def test_the_table_of_a_clean_plan_says_so():
    assert report.table(plan(World(2).facts())).endswith("Nothing blocks this plan.\n")


def test_the_table_shows_pods_by_workload_when_asked(result: Plan):
    assert "evict 2 pods of Deployment shop/web" not in report.table(result)
    assert "evict 2 pods of Deployment shop/web: its budget allows 1, waits 1 x" in report.table(
        result, pods=True
    )


def test_markdown_is_tables_that_no_cell_breaks(result: Plan):
    text = report.markdown(result)
    rows = [line for line in text.splitlines() if line.startswith("|")]

    assert text.startswith("# Replacement plan of cluster shop\n")
    assert "| 2 | node-0 | eu-central-1a |" in text
    assert {len(line.replace("\\|", "").split("|")) for line in rows} == {12, 6}
    assert "- **PodDisruptionBudget shop/stuck** (on node-1) `budget-never-allows`" in text


def test_a_pipe_in_a_name_does_not_end_a_cell():
    world = World(1)
    world.pod("odd", 0, world.owner("Job", "a|b"))

    assert "Job shop/a\\|b" in report.markdown(plan(world.facts()))


def test_the_document_is_json_with_the_keys_it_promises(result: Plan):
    document = json.loads(json.dumps(report.document(result)))

    assert document["schema"] == "eks-cilium/plan/v1"
    assert list(document) == [
        "schema",
        "cluster",
        "target",
        "capacity",
        "surge",
        "parallel",
        "clean",
        "estimatedSeconds",
        "boundBy",
        "podsByVerdict",
        "blockers",
        "warnings",
        "groups",
        "nodes",
        "leaving",
        "leftAlone",
        "impossible",
        "leftOut",
    ]
    assert document["podsByVerdict"] == {
        "evict": 3,
        "delete": 0,
        "skip": 1,
        "wait": 0,
        "refuse": 0,
        "blocked": 1,
    }
    (blocker,) = document["blockers"]
    assert blocker["code"] == "budget-never-allows"
    assert blocker["nodes"] == ["node-1"]
    assert blocker["pods"] == [{"kind": "Pod", "namespace": "shop", "name": "stuck-5d9-0"}]
    second = document["nodes"][1]
    assert second["budgets"] == [
        {
            "budget": {"kind": "PodDisruptionBudget", "namespace": "shop", "name": "web"},
            "pods": 2,
            "allowed": 1,
            "waits": 1,
        }
    ]
    assert [pod["verdict"] for pod in second["pods"]] == ["skip", "evict", "evict"]
    seconds = second["seconds"]
    before = sum(seconds[phase] for phase in ("capacity", "drain", "release"))
    assert seconds["inWork"] == before + seconds["settle"]
    assert seconds["total"] == before + max(seconds["gone"], seconds["settle"])


def test_the_document_without_pods_has_them_by_workload(result: Plan):
    document = report.document(result, pods=False)

    assert "pods" not in document["nodes"][1]
    assert [(workload["pods"], workload["verdict"]) for workload in document["nodes"][1]["workloads"]] == [
        (2, "evict"),
        (1, "skip"),
    ]


def test_a_preview_shows_a_node_in_a_few_lines(result: Plan):
    found = result.of_node("node-0")
    assert found is not None

    assert report.lines_of_node(found) == (
        "2. i-0 in eu-central-1a, group eks-workers-6d2f: its group keeps its size, "
        f"replacement in {' or '.join(found.replacement_zones)}",
        "pods: 2 evict, 1 skip",
        "evict 2 pods of Deployment shop/web: its budget allows 1, waits 1 x for a successor",
        "budget shop/web: 2 pods, 1 allowed, waits 1 x",
        f"about {duration(found.seconds.total)}, done {duration(found.ends)} after the beginning",
    )


def test_blockers_of_a_node_are_found_by_its_name(result: Plan):
    assert [blocker.code for blocker in result.blockers_of("node-1")] == [Code.BUDGET_NEVER_ALLOWS]
    assert result.blockers_of("node-0") == ()
    assert "to fix it" in str(result.blockers[0]).lower()


def test_every_code_is_either_a_blocker_or_a_warning():
    assert set(BLOCKERS).isdisjoint(WARNINGS)
    assert set(BLOCKERS) | set(WARNINGS) == set(Code)
    for words in BLOCKERS.values():
        assert words.problem
        assert words.allowed
        assert words.fix


def test_an_excepted_budget_is_a_warning_with_its_pods():
    result = plan(refused(), MigrationOptions(allow=Allow(budgets=("shop/stuck",))))

    assert result.clean
    assert "1 pod to be deleted without asking the budget, as permitted" in report.table(result)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min 00 s"), (90, "1 min 30 s"), (3660, "1 h 01 min")]
)
def test_durations_are_written_for_people(seconds, text):
    assert duration(seconds) == text


def test_the_headline_is_found_in_the_markdown_that_earlier_versions_kept(result: Plan):
    assert headline_of(report.markdown(result)) == headline(result)
    assert headline_of("# Plan") == "# Plan"
