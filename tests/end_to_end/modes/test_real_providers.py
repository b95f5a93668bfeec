"""New clusters and meshes with the official providers eks, kubernetes and tls, on the Pulumi CLI.

Runs where the CLI and the plugins are on PATH. The same stacks are updated with the lab's emulated providers
first; then the two states are compared field by field. What may differ is listed with its reason.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import aws_cli, lifecycle, program
from lab.demo import mesh
from lab.environment import Places
from lab.plugins import Providers
from lab.toolchain import default_cache
from tests.end_to_end.lives import ALLOWED, WITH_OFFICIAL_PROVIDERS, Life, life, succeeded
from tests.parity import assert_same

from .conftest import LabOfTest

pytestmark = WITH_OFFICIAL_PROVIDERS

CLUSTERS = tuple(mesh.CLUSTERS.values())
STACKS = (*CLUSTERS, mesh.STACK)
Lives = dict[str, Life]


@pytest.fixture(scope="module")
def lives(
    tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]
) -> dict[Providers, Lives]:
    """The lives of all stacks with each kind of providers, one lab after the other."""
    found = {}
    for providers in Providers:
        project = copy_of_project(tmp_path_factory.mktemp(str(providers)) / "project")
        places = Places(project / ".lab", default_cache(), project, providers)
        with lifecycle.running(places, print):
            found[providers] = lives_of(LabOfTest(places, program.OFFICIAL))
    return found


def lives_of(lab: LabOfTest) -> Lives:
    """Create the clusters, join them, and destroy everything."""
    found = {}
    for stack in CLUSTERS:
        lab.of(stack).configure(lambda config: None)
        found[stack] = life(lab.of(stack).pulumi)
    aws_cli.write_kubeconfig(lab.places)
    for cluster in mesh.CLUSTERS:
        mesh.deploy_workloads(lab.places, cluster)
    found[mesh.STACK] = life(lab.of(mesh.STACK).pulumi)
    for stack in reversed(STACKS):
        succeeded(lab.of(stack).pulumi("destroy", "--yes", "--skip-preview"))
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_both_kinds_of_providers_are_previewed_the_same(lives: dict[Providers, Lives], stack: str) -> None:
    assert lives[Providers.EMULATED][stack].preview == lives[Providers.REAL][stack].preview


@pytest.mark.parametrize("stack", STACKS)
def test_a_second_preview_is_empty(lives: dict[Providers, Lives], stack: str) -> None:
    assert {providers: lives[providers][stack].again for providers in Providers} == dict.fromkeys(
        Providers, 0
    )


def test_the_states_differ_only_where_it_is_allowed(lives: dict[Providers, Lives]) -> None:
    emulated, real = (
        {stack: life_of.state for stack, life_of in lives[providers].items()} for providers in Providers
    )

    assert_same(emulated, real, ALLOWED)
