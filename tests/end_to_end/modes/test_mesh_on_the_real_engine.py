"""Two clusters made and joined on the Pulumi CLI: the plan is the built-in engine's, and so is the end.

Runs where `pulumi` is on PATH. The mesh's stack reads the clusters' stacks by stack references, so the
built-in engine gets the state that the CLI wrote, as `stack export` and `stack import` move it.
"""

import shutil
from dataclasses import replace

import pytest

from lab import program
from lab.demo import mesh

from .conftest import LabOfTest
from .test_mesh import facts_that_do_not_hold, make_clusters, up
from .test_new_cluster import left_in_the_cloud
from .test_same_on_the_real_engine import operations

pytestmark = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH"),
]


def on_built_in(stack: LabOfTest) -> LabOfTest:
    return replace(stack, engine=program.BUILT_IN)


def hand_over(stack: LabOfTest) -> None:
    """Give the built-in engine the state that the CLI has of a stack."""
    exported = stack.pulumi("stack", "export")
    assert exported.code == 0, exported.output
    file = stack.places.directory / f"{stack.stack}.json"
    file.write_text(exported.output)
    imported = on_built_in(stack).pulumi("stack", "import", "--file", str(file))
    assert imported.code == 0, imported.output


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> LabOfTest:
    """The lab on the CLI, with both clusters made by it."""
    official = replace(lab, engine=program.OFFICIAL)
    make_clusters(official)
    for stack in mesh.CLUSTERS.values():
        hand_over(official.of(stack))
    return official


def test_both_engines_preview_the_same_mesh(clusters: LabOfTest) -> None:
    joining = clusters.of(mesh.STACK)
    official = joining.pulumi("preview", "--json")
    built_in = on_built_in(joining).pulumi("preview", "--json")

    assert official.code == 0, official.output
    assert operations(official.json()) == operations(built_in.json())


def test_the_clusters_are_joined_and_both_engines_find_nothing_left_to_do(clusters: LabOfTest) -> None:
    joined = clusters.of(mesh.STACK)

    up(joined)

    assert facts_that_do_not_hold(joined) == []
    hand_over(joined)
    for stack in (joined, on_built_in(joined)):
        again = stack.pulumi("preview", "--expect-no-changes")
        assert again.code == 0, again.output


def test_everything_goes_again(clusters: LabOfTest) -> None:
    for stack in (mesh.STACK, *mesh.CLUSTERS.values()):
        destroyed = clusters.of(stack).pulumi("destroy", "--yes")
        assert destroyed.code == 0, destroyed.output

    assert left_in_the_cloud(clusters) == {}
