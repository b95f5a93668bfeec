"""Drains of nodes with pods that serve other pods of the node, or that ask to be left alone for a while."""

import pytest

from eks_cilium.runtime.errors import DrainRefusedError

from .drains import EVERYTHING, Bench
from .migrations import QUICK

pytestmark = pytest.mark.unit

SERVER = {
    "namespace": "mount-s3",
    "metadata": {"labels": {"s3.csi.aws.com/mountpoint-version": "1.20.0"}},
    "spec": {"tolerations": [{"operator": "Exists"}], "volumes": [{"name": "comm", "emptyDir": {}}]},
}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def end_server_after_users(bench: Bench) -> None:
    """What the driver does: the pod of a mount ends when the last pod that uses it is gone."""
    tick = bench.simulation.clock.tick

    def ticked() -> None:
        tick()
        if not bench.exists("reader") and bench.exists("mp", "mount-s3"):
            found = bench.simulation.api.find("/api/v1/pods", "mount-s3", "mp")
            assert found is not None
            bench.simulation.api.remove("/api/v1/pods", found)

    bench.simulation.clock.tick = ticked


def test_a_pod_that_serves_mounts_outlives_its_users(bench: Bench):
    bench.pod("reader", spec={"terminationGracePeriodSeconds": 20})
    bench.simulation.run("mp", bench.name, **SERVER)
    end_server_after_users(bench)

    done = bench.drain(bare_pods=EVERYTHING, local_storage=EVERYTHING)

    assert (done.evicted, bench.asked) == (1, ["reader"])


def test_a_pod_that_serves_mounts_and_never_ends_goes_with_its_node(bench: Bench):
    bench.pod("reader", spec={"terminationGracePeriodSeconds": 20})
    bench.simulation.run("mp", bench.name, **SERVER)
    began = bench.simulation.clock.seconds

    done = bench.drain()

    assert (done.evicted, bench.asked) == (1, ["reader"])
    assert bench.exists("mp", "mount-s3")
    assert bench.simulation.clock.seconds - began >= 20 + QUICK.volumes


def test_a_pod_that_asks_for_a_while_is_evicted_when_it_is_over(bench: Bench):
    bench.pod("warm-up", metadata={"annotations": {"karpenter.sh/do-not-disrupt": "2m"}})
    bench.simulation.pods_on(bench.name)[-1]["status"]["startTime"] = bench.simulation.clock.stamp()
    began = bench.simulation.clock.seconds

    bench.drain(drain_timeout_seconds=300)

    assert bench.simulation.clock.seconds - began >= 120
    assert "warm-up" in bench.asked


def test_a_pod_that_asks_to_be_left_alone_is_evicted_when_that_is_permitted(bench: Bench):
    bench.pod("runner", metadata={"annotations": {"karpenter.sh/do-not-disrupt": "true"}})

    with pytest.raises(DrainRefusedError, match="shop/runner: an annotation asks not to disrupt it"):
        bench.drain()
    assert bench.asked == []

    assert bench.drain(do_not_disrupt=("shop/runner*",)).evicted == 1


def test_a_daemon_set_of_another_group_is_never_evicted(bench: Bench):
    owner = {"apiVersion": "apps.kruise.io/v1alpha1", "kind": "DaemonSet", "name": "edge", "controller": True}
    bench.simulation.run("edge-x", bench.name, metadata={"ownerReferences": [owner]})
    bench.simulation.collects_garbage = False

    assert bench.drain(bare_pods=EVERYTHING).evicted == 0
