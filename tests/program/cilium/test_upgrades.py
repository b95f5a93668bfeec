"""Cilium is upgraded one minor at a time, and its own notes are printed for the values in use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.cilium.upgrade_notes import NOTES
from eks_cilium.cilium.upgrades import detour, newest_first, notes
from eks_cilium.cilium.versions import TRIED, minor, tried

pytestmark = pytest.mark.unit

served = st.sampled_from(TRIED)


@given(served, st.integers(0, 40), st.integers(0, 40))
def test_every_patch_of_the_same_minor_is_reached_at_once(known: str, before: int, after: int):
    of = known.rpartition(".")[0]

    assert detour(f"{of}.{before}", f"{of}.{after}") is None


@given(served, served)
def test_only_the_same_and_the_next_minor_are_reached_at_once(before: str, after: str):
    steps = minor(after)[1] - minor(before)[1]

    assert (detour(before, after) is None) is (steps in (0, 1))


@given(served, served)
def test_the_advised_steps_lead_to_the_wanted_minor_or_out_of_this_program(before: str, after: str):
    while minor(before) < minor(after) and (instead := detour(before, after)):
        if "with Helm" in instead.fix:
            assert minor(before) == (1, 12)
            return
        step = instead.fix.split("cilium.version' ")[1].split(";")[0]
        assert minor(step)[1] == minor(before)[1] + 1
        assert step == tried(step)
        before = step


def test_a_minor_that_is_not_served_is_crossed_with_helm():
    instead = detour("1.12.4", "1.15.19")

    assert instead is not None
    assert "does not serve 1.13, 1.14" in instead.allowed
    assert "newest patch of 1.13, then of 1.14" in instead.fix
    assert detour("1.14.19", "1.15.19") is None


def test_the_way_back_is_a_rollback_with_helm():
    instead = detour("1.18.11", "1.17.15")

    assert instead is not None
    assert "helm rollback cilium" in instead.fix


@pytest.mark.parametrize(
    ("present", "advice"),
    [("1.17.4", "Cilium advises to upgrade 1.17.4 to the newest patch"), ("1.17.15", ""), ("1.14.3", "")],
)
def test_the_newest_patch_of_a_minor_comes_before_the_next_minor(present: str, advice: str):
    assert newest_first(present).startswith(advice)
    assert bool(newest_first(present)) is bool(advice)


def nested(key: str) -> dict[str, Any]:
    """Values that set this key alone."""
    first, _, rest = key.partition(".")
    return {first: nested(rest) if rest else "value"}


@pytest.mark.parametrize("of", NOTES)
def test_every_key_of_a_note_is_a_key_of_that_minors_chart(of: tuple[int, int]):
    keys = {key for note in NOTES[of] for key in (*note.keys, *note.only_with)}

    unknown = [found.path for key in keys for found in unknown_keys(f"{of[0]}.{of[1]}.0", nested(key))]

    assert unknown == []


@pytest.mark.parametrize(
    ("way", "values", "said"),
    [
        (("1.15.19", "1.16.19"), {}, ["envoy.enabled (not set): Envoy runs", "bpf.enableTCX (not set)"]),
        (("1.15.19", "1.16.19"), {"enableCiliumEndpointSlice": True}, ["set ciliumEndpointSlice.enabled"]),
        (("1.16.19", "1.17.15"), {"tls": {"secretsBackend": "k8s"}}, ["tls.secretsBackend: deprecated"]),
        (("1.17.15", "1.18.11"), {"labels": "k8s:app"}, ["labels: the service account"]),
        (("1.18.11", "1.19.7"), {"cluster": {"id": 3}}, ["clustermesh.policyDefaultLocalCluster (not set)"]),
        (("1.19.7", "1.20.2"), {"gatewayAPI": {"enabled": True}}, ["Gateway API 1.6.1"]),
    ],
)
def test_notes_concern_the_values_in_use(way: tuple[str, str], values: dict[str, Any], said: list[str]):
    found = notes(*way, values)

    assert [text for text in said if not any(text in line for line in found)] == []
    assert found[-1].endswith(f"/v{way[1].rpartition('.')[0]}/operations/upgrade/")


@pytest.mark.parametrize(
    ("way", "values", "silent"),
    [
        (("1.15.19", "1.16.19"), {"envoy": {"enabled": False}}, "envoy.enabled"),
        (("1.18.11", "1.19.7"), {"cluster": {"id": 0}}, "policyDefaultLocalCluster"),
        (("1.19.7", "1.20.2"), {"gatewayAPI": {"enabled": False}}, "Gateway API"),
        (("1.19.7", "1.20.2"), {}, "mutual authentication"),
    ],
)
def test_notes_about_other_values_are_left_out(way: tuple[str, str], values: dict[str, Any], silent: str):
    assert not any(silent in line for line in notes(*way, values))


def test_a_value_that_is_known_later_counts_as_set():
    found = notes("1.16.19", "1.17.15", {"k8sServiceHost": object()})

    assert any("protocolDifferentiation" in line for line in found)


def test_a_patch_has_no_notes():
    assert notes("1.19.6", "1.19.7", {"labels": "x"}) == []
