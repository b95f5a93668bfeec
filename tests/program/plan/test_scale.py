"""A cluster of 500 nodes and 15,000 pods is planned in seconds."""

import time

import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.cluster.selectors import selector
from eks_cilium.migration import report
from eks_cilium.migration.facts.model import Budget, Cluster, Facts, Owner, Pod
from eks_cilium.migration.facts.network.model import AwsNode
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import group, node

pytestmark = pytest.mark.simulation

NODES, WORKLOADS, REPLICAS = 500, 500, 30
NAMESPACES = 20
MOST_SECONDS = 6.0


def facts() -> Facts:
    nodes = tuple(node(number) for number in range(NODES))
    pods, budgets, owners = [], [], {}
    for workload in range(WORKLOADS):
        namespace, name = f"team-{workload % NAMESPACES}", f"app-{workload}"
        above, owner = (
            Reference("Deployment", namespace, name),
            Reference("ReplicaSet", namespace, f"{name}-5d9"),
        )
        owners[above] = Owner(above, desired=REPLICAS)
        owners[owner] = Owner(owner, desired=REPLICAS, owner=above)
        labels = {"app": name, "pod-template-hash": "5d9"}
        budgets.append(
            Budget(
                namespace,
                name,
                selector({"matchLabels": {"app": name}}),
                max_unavailable="10%",
                expected_pods=REPLICAS,
                current_healthy=REPLICAS,
                desired_healthy=REPLICAS - 3,
                disruptions_allowed=3,
            )
        )
        pods += [
            Pod(
                namespace,
                f"{name}-5d9-{index}",
                f"uid-{workload}-{index}",
                f"node-{(workload * 7 + index * 17) % NODES}",
                labels=labels,
                owner=owner,
            )
            for index in range(REPLICAS)
        ]
    halves = (
        group(nodes[: NODES // 2], "one"),
        group(nodes[NODES // 2 :], "two"),
    )
    return Facts(
        Cluster("big", "1.34"),
        nodes,
        tuple(pods),
        tuple(budgets),
        owners,
        groups=halves,
        aws_node=AwsNode(NODES, NODES),
    )


def test_planning_and_reporting_take_seconds() -> None:
    known = facts()
    began = time.process_time()

    result = plan(known, MigrationOptions(surge=6, parallel=4))
    report.table(result)
    report.document(result)

    assert time.process_time() - began < MOST_SECONDS
    assert result.clean
    assert len(result.nodes) == NODES
    assert sum(len(planned.pods) for planned in result.nodes) == WORKLOADS * REPLICAS
