"""Every test that docs/reliability.md names exists, so that a row is what is proven and no promise."""

import ast
import re
from functools import cache

import pytest

from lab.environment import ROOT

pytestmark = pytest.mark.unit

PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"(tests/[\w/]+\.py)((?:::\w+)+)")


def rows() -> list[list[str]]:
    """The cells of every row of every table, without the heads."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "situation" and set(row[0]) > {"-"}]


@cache
def named_in(path: str) -> set[str]:
    """The tests of a file as pytest names them: functions, and methods behind their class."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    functions = {f"::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
    methods = {
        f"::{node.name}::{inner.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef)
    }
    return functions | methods


def missing_from(text: str) -> list[str]:
    """The tests that a text names and no file has."""
    return [f"{path}{name}" for path, name in NAMED.findall(text) if name not in named_in(path)]


def test_every_test_that_the_page_names_exists() -> None:
    assert missing_from(PAGE.read_text()) == []


def test_every_row_has_a_situation_an_answer_and_a_test() -> None:
    wrong = [row for row in rows() if len(row) != 3 or not all(row) or not NAMED.search(row[2])]

    assert wrong == []


@pytest.mark.parametrize(
    "name", ["tests/program/docs/test_reliability.py::test_none", "tests/program/docs/test_none.py::test_it"]
)
def test_the_guard_for_tests_can_fail(name: str) -> None:
    assert missing_from(f"| a | b | `{name}` |") == [name]
