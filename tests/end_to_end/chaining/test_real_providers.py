"""Chaining with the official providers on the Pulumi CLI: the same state as with the lab's, field by field.

Runs where the CLI and the plugins are on PATH. What may differ is listed with its reason.
"""

import pytest

from lab.plugins import Providers
from tests.end_to_end.lives import ALLOWED, WITH_OFFICIAL_PROVIDERS, Life, lives_on
from tests.end_to_end.sample_cluster.cluster import MakeExisting
from tests.parity import assert_same

pytestmark = WITH_OFFICIAL_PROVIDERS


@pytest.fixture(scope="module")
def lives(make_existing: MakeExisting) -> dict[Providers, Life]:
    return lives_on(make_existing)


def test_both_kinds_of_providers_are_previewed_the_same(lives: dict[Providers, Life]) -> None:
    assert lives[Providers.EMULATED].preview == lives[Providers.REAL].preview


def test_a_second_preview_is_empty(lives: dict[Providers, Life]) -> None:
    assert {providers: found.again for providers, found in lives.items()} == dict.fromkeys(Providers, 0)


def test_the_states_differ_only_where_it_is_allowed(lives: dict[Providers, Life]) -> None:
    assert_same(lives[Providers.EMULATED].state, lives[Providers.REAL].state, ALLOWED)
