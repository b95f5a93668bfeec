"""The evaluator decides as Cilium's own policy engine does, in cases written by hand and in random ones."""

import pytest

from eks_cilium.policy.verdict import SelectorScope
from lab.toolchain import Toolchain
from tests.program.verdict.generation import Generator
from tests.program.verdict.hand_written import CASES, HandWritten
from tests.program.verdict.oracle import disagreements, ours, theirs

RANDOM_CASES = 5_000
"""Each has two flows: ten thousand verdicts take about half a minute."""
MANY_RANDOM_CASES = 50_000

HAND_WRITTEN = [(case, scope) for case in CASES for scope in SelectorScope]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("case", "scope"), HAND_WRITTEN, ids=[f"{case.title}: {scope}" for case, scope in HAND_WRITTEN]
)
def test_a_case_written_by_hand(case: HandWritten, scope: SelectorScope) -> None:
    assert ours(case.case(scope)) == [case.verdict(scope)]


@pytest.mark.control_plane
def test_cilium_agrees_with_the_verdicts_written_by_hand(toolchain: Toolchain) -> None:
    answers = theirs(toolchain.oracle(), [case.case(scope) for case, scope in HAND_WRITTEN])

    wrong = [
        f"{case.title} ({scope}): written {case.verdict(scope)}, Cilium's {answer[0]}"
        for (case, scope), answer in zip(HAND_WRITTEN, answers, strict=True)
        if answer != [case.verdict(scope)]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.control_plane
def test_ten_thousand_random_verdicts_are_those_of_cilium(toolchain: Toolchain) -> None:
    assert found(toolchain, seed=20, cases=RANDOM_CASES) == []


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
def test_many_more_random_verdicts_are_those_of_cilium(toolchain: Toolchain, seed: int) -> None:
    assert found(toolchain, seed=seed, cases=MANY_RANDOM_CASES) == []


def found(toolchain: Toolchain, *, seed: int, cases: int) -> list[str]:
    generator = Generator(seed)
    generated = [generator.case() for _ in range(cases)]
    return disagreements(generated, theirs(toolchain.oracle(), generated))
