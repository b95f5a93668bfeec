"""Chaining with the official providers on the Pulumi CLI: the same state as with the lab's, field by field.

Runs where the CLI and the plugins are on PATH. What may differ is listed with its reason.
"""

from dataclasses import replace

import pytest

from lab import program
from lab.plugins import Providers
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.lives import ALLOWED, WITH_OFFICIAL_PROVIDERS, Life, life
from tests.end_to_end.sample_cluster.cluster import MakeExisting
from tests.parity import assert_same

pytestmark = WITH_OFFICIAL_PROVIDERS


@pytest.fixture(scope="module")
def lives(make_existing: MakeExisting) -> dict[Providers, Life]:
    """The life of the stack with each kind of providers, each on a cluster of its own."""
    found = {}
    spec = ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database"))
    for providers in Providers:
        existing = make_existing(spec, engine=program.OFFICIAL)
        places = replace(existing.places, providers=providers)
        found[providers] = life(replace(existing, places=places).pulumi)
    return found


def test_both_kinds_of_providers_are_previewed_the_same(lives: dict[Providers, Life]) -> None:
    assert lives[Providers.EMULATED].preview == lives[Providers.REAL].preview


def test_a_second_preview_is_empty(lives: dict[Providers, Life]) -> None:
    assert {providers: found.again for providers, found in lives.items()} == dict.fromkeys(Providers, 0)


def test_the_states_differ_only_where_it_is_allowed(lives: dict[Providers, Life]) -> None:
    assert_same(lives[Providers.EMULATED].state, lives[Providers.REAL].state, ALLOWED)
