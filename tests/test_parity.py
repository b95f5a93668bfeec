"""The comparison itself: nothing that differs is overlooked."""

import pytest

from tests.parity import ABSENT, Allowed, Difference, differences, not_allowed

pytestmark = pytest.mark.unit

LEFT = {"a": {"b": [1, {"c": "x"}]}, "only": None, "flag": True}
RIGHT = {"a": {"b": [1, {"c": "y"}]}, "flag": 1}


def test_every_value_that_differs_is_named_by_its_path() -> None:
    assert list(differences(LEFT, RIGHT)) == [
        Difference("a.b.1.c", "x", "y"),
        Difference("flag", True, 1),
        Difference("only", None, ABSENT),
    ]


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    assert list(differences({"a": [1]}, {"a": [1, 2]})) == [Difference("a", [1], [1, 2])]


def test_the_same_does_not_differ() -> None:
    assert list(differences(LEFT, LEFT)) == []


def test_what_is_allowed_passes_and_a_rule_for_nothing_does_not() -> None:
    rules = [
        Allowed(r"a\.b\.\d\.c", "chance"),
        Allowed("gone", "was there"),
        Allowed("newer", "in some versions", always=False),
    ]
    found = differences(LEFT, RIGHT)

    assert not_allowed(found, rules) == [
        "flag: True / 1",
        "only: None / '(absent)'",
        "no difference needs the rule 'gone'",
    ]
