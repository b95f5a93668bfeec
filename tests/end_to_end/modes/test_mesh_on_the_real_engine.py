"""Two clusters created and joined on the Pulumi CLI: the same plan and result as on the built-in engine.

Runs where `pulumi` is on PATH. The mesh's stack reads the clusters' stacks through stack references, so that
their state is copied from the CLI to the built-in engine with `stack export` and `stack import`.
"""

import shutil
from dataclasses import replace

import pytest

from lab import program
from lab.demo import mesh

from .conftest import LabOfTest
from .test_mesh import create_clusters, failed_checks, up
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


def copy_state(stack: LabOfTest) -> None:
    """Copy a stack's state from the CLI to the built-in engine."""
    exported = stack.pulumi("stack", "export")
    assert exported.code == 0, exported.output
    file = stack.places.directory / f"{stack.stack}.json"
    file.write_text(exported.output)
    imported = on_built_in(stack).pulumi("stack", "import", "--file", str(file))
    assert imported.code == 0, imported.output


@pytest.fixture(scope="module")
def clusters(lab: LabOfTest) -> LabOfTest:
    """The lab on the CLI, which has created both clusters."""
    official = replace(lab, engine=program.OFFICIAL)
    create_clusters(official)
    for stack in mesh.CLUSTERS.values():
        copy_state(official.of(stack))
    return official


def test_both_engines_preview_the_same_mesh(clusters: LabOfTest) -> None:
    joining = clusters.of(mesh.STACK)
    official = joining.pulumi("preview", "--json")
    built_in = on_built_in(joining).pulumi("preview", "--json")

    assert official.code == 0, official.output
    assert operations(official.json()) == operations(built_in.json())


def test_the_clusters_are_joined_and_neither_engine_finds_changes(clusters: LabOfTest) -> None:
    joined = clusters.of(mesh.STACK)

    up(joined)

    assert failed_checks(joined) == []
    copy_state(joined)
    for stack in (joined, on_built_in(joined)):
        again = stack.pulumi("preview", "--expect-no-changes")
        assert again.code == 0, again.output


def test_everything_is_destroyed(clusters: LabOfTest) -> None:
    for stack in (mesh.STACK, *mesh.CLUSTERS.values()):
        destroyed = clusters.of(stack).pulumi("destroy", "--yes")
        assert destroyed.code == 0, destroyed.output

    assert left_in_the_cloud(clusters) == {}
