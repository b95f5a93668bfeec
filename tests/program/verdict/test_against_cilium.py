"""The evaluator decides as Cilium's own policy engine does, in cases written by hand and in random ones."""

import pytest

from eks_cilium.policy.verdict import SelectorScope
from lab.toolchain import ORACLE_VERSIONS, Toolchain
from tests.benchmarks.verdicts import row
from tests.program.verdict.generation import Generator, of_release
from tests.program.verdict.hand_written import CASES, HandWritten
from tests.program.verdict.oracle import disagreements, ours, theirs

RANDOM_CASES = 1_000
MANY_RANDOM_CASES = 20_000
FLOWS = 6
"""Flows of a case: most of the time of a case is its generation and the reading of its policies."""

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
    generator = Generator(20)
    cases = [generator.case(FLOWS) for _ in range(RANDOM_CASES)]
    answers = theirs(toolchain.oracle(), cases)

    assert disagreements(cases, answers) == []
    assert sum(bool(side) for answer in answers for verdict in answer for side in verdict) > 10_000


@pytest.mark.control_plane
def test_the_benchmark_judges_a_whole_table_and_compares_it_with_cilium(toolchain: Toolchain) -> None:
    endpoints, policies, flows, *_, sampled, _, _, _ = row(15, toolchain.oracle())

    assert (endpoints, policies, flows, sampled) == ("15", "15", "225", "225")


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("version", ORACLE_VERSIONS)
def test_many_more_random_verdicts_are_those_of_each_release(
    toolchain: Toolchain, version: str, seed: int
) -> None:
    generator = Generator(seed, version)
    cases = [generator.case(FLOWS) for _ in range(MANY_RANDOM_CASES)]

    assert disagreements(cases, theirs(toolchain.oracle(version), cases)) == []


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version", ORACLE_VERSIONS)
def test_cases_written_by_hand_are_judged_as_by_each_release(toolchain: Toolchain, version: str) -> None:
    cases = [of_release(case.case(scope), version) for case, scope in HAND_WRITTEN]

    assert disagreements(cases, theirs(toolchain.oracle(version), cases)) == []
