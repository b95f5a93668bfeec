"""Back to the AWS VPC CNI from three stages: before the first drain, in the middle, after aws-node is gone.

One cluster goes there and back three times, a little further each time; it has to be as at the beginning
after each.
"""

from collections.abc import Callable

import pytest

from lab.demo.comparison import Snapshot, upheld
from lab.demo.prober import watching
from lab.existing.shape import Shape
from tests.end_to_end.existing.making import Existing, MakeExisting, Running

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

BACK, FORTH = "aws-vpc-cni", "cilium"


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> Existing:
    return make_existing(
        Shape(nodes=3, groups=1, workloads=("storage", "small", "database")), surge=3, parallel=2
    )


def until(existing: Existing, reached: Callable[[Running], bool]) -> None:
    """Migrate to Cilium up to a stage, then Ctrl-C."""
    existing.configure(target=FORTH)
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: reached(running))
        running.interrupt()
        running.wait()


def back(existing: Existing) -> Snapshot:
    """Preview and run the way back, with every budget watched."""
    existing.configure(target=BACK)
    preview = existing.pulumi("preview")
    assert preview.code == 0, preview.output
    with watching(existing.kubectl) as prober:
        done = existing.up()
    assert done.code == 0, done.output
    assert prober.breaches == []
    return existing.now()


def is_back(existing: Existing, after: Snapshot) -> None:
    """Aws-node everywhere as before, nothing of Cilium, no label, no taint, the same sizes."""
    assert after.has("aws-node")
    assert after.agents("aws-node") == "3 of 3 ready"
    assert not after.has("cilium")
    assert "vpc-cni" in after.add_ons
    labelled = existing.kubectl("get", "nodes", "-l", "cni-plugin", "-o", "name")
    assert labelled == ""
    names = {"every workload as ready as before", "every claim has its volume", "as many nodes as before"}
    facts = [*upheld(existing.before, after)]
    kept = [f for f in facts if f.sentence in names or f.sentence.startswith(("nodes ready", "sizes"))]
    assert len(kept) == 5
    assert [fact for fact in kept if not fact.holds] == []
    assert affinity(existing) == AFFINITY


def affinity(existing: Existing) -> str:
    where = "spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    return existing.kubectl("get", "ds", "aws-node", "-n", "kube-system", "-o", f"jsonpath={{.{where}}}")


AFFINITY = (
    '{"nodeSelectorTerms":[{"matchExpressions":['
    '{"key":"kubernetes.io/os","operator":"In","values":["linux"]},'
    '{"key":"kubernetes.io/arch","operator":"In","values":["amd64","arm64"]},'
    '{"key":"eks.amazonaws.com/compute-type","operator":"NotIn","values":["fargate","hybrid","auto"]}]}]}'
)


def test_back_before_the_first_drain(existing: Existing) -> None:
    until(existing, lambda running: "Surge existing created" in running.says())

    after = back(existing)

    is_back(existing, after)


def test_back_from_the_middle(existing: Existing) -> None:
    until(existing, lambda running: "replaced ip-" in running.says())
    assert existing.now().has("cilium")

    is_back(existing, back(existing))


def test_back_after_aws_node_is_gone(existing: Existing) -> None:
    existing.configure(target=FORTH)
    there = existing.up()
    assert there.code == 0, there.output
    assert not existing.now().has("aws-node")

    is_back(existing, back(existing))


def test_the_way_back_leaves_nothing_to_do(existing: Existing) -> None:
    again = existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
