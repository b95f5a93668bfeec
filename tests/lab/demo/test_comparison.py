"""A cluster is compared when its controllers have seen which nodes it has."""

import pytest

from lab.demo.comparison import NodeState, Snapshot

pytestmark = pytest.mark.unit


def snapshot(*, wanted: int) -> Snapshot:
    node = NodeState("i-1", "a", ready=True, cordoned=False, taints=())
    workloads = {"DaemonSet kube-system/cilium": (wanted, wanted), "Deployment shop/web": (9, 9)}
    return Snapshot({"one": node, "two": node}, workloads, {}, {}, (), (), frozenset())


def test_a_daemon_set_that_wants_more_nodes_than_there_are_counts_one_that_is_gone() -> None:
    assert snapshot(wanted=3).counts_gone_nodes
    assert not snapshot(wanted=2).counts_gone_nodes
