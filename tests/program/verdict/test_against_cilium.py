"""The evaluator says what Cilium's own policy engine says: of cases written by hand, and of random ones."""

import pytest

from eks_cilium.policy.verdict import SelectorScope
from lab.toolchain import Toolchain
from tests.program.verdict.by_hand import CASES
from tests.program.verdict.generation import Generator
from tests.program.verdict.oracle import disagreements, ours, theirs

WORLDS = 5_000
"""Each with two flows: ten thousand verdicts of both sides in about half a minute."""
MANY_WORLDS = 50_000

BY_HAND = [(one, meaning) for one in CASES for meaning in SelectorScope]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("one", "meaning"), BY_HAND, ids=[f"{one.title}: {meaning}" for one, meaning in BY_HAND]
)
def test_a_case_written_by_hand(one, meaning):
    assert ours(one.case(meaning)) == [one.verdict(meaning)]


@pytest.mark.control_plane
def test_cilium_agrees_with_what_was_written_by_hand(toolchain: Toolchain):
    answers = theirs(toolchain.oracle(), [one.case(meaning) for one, meaning in BY_HAND])

    wrong = [
        f"{one.title} ({meaning}): written {one.verdict(meaning)}, Cilium's {answer[0]}"
        for (one, meaning), answer in zip(BY_HAND, answers, strict=True)
        if answer != [one.verdict(meaning)]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.control_plane
def test_ten_thousand_random_flows_come_out_as_in_cilium(toolchain: Toolchain):
    assert found(toolchain, seed=20, worlds=WORLDS) == []


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_many_more_random_flows_come_out_as_in_cilium(toolchain: Toolchain, seed: int):
    assert found(toolchain, seed=seed, worlds=MANY_WORLDS) == []


def found(toolchain: Toolchain, *, seed: int, worlds: int) -> list[str]:
    """What the two differ on, as text with the whole case."""
    generator = Generator(seed)
    cases = [generator.case() for _ in range(worlds)]
    return disagreements(cases, theirs(toolchain.oracle(), cases))
