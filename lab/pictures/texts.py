"""Which texts of the program a picture shows, so that a test knows when the picture is out of date.

A picture carries, as a comment, every text of the source that it shows: literals and f-strings, with `{}` for
what is filled in. When the program does not have one of them any more, the picture shows what no user sees.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from lab.environment import ROOT

FOLDERS = (
    "eks_cilium/cli",
    "eks_cilium/migration",
    "eks_cilium/policy",
    "eks_cilium/dynamic",
    "lab/engine/display",
)
"""Where the texts are that pictures show."""
_COMMENT = re.compile(r"<!-- texts: (.*?) -->", re.DOTALL)
_FILLED_IN = re.compile(r"\{[^{}]*\}")
_FEWEST_LETTERS = 8
"""Literal characters of a text that says something; shorter ones are found in everything."""


@cache
def texts() -> frozenset[str]:
    """Every text of the source, with `{}` for each part that is filled in."""
    files = (file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")))
    return frozenset(text for file in files for text in _texts_of(file))


def shown_in(lines: Iterable[str]) -> list[str]:
    """The texts of the source that these lines show."""
    shown = "\n".join(" ".join(line.split()) for line in lines)
    candidates = (text for text in texts() if all(part in shown for part in text.split("{}")))
    return sorted(text for text in candidates if re.search(_pattern(text), shown))


def stamped(picture: str, shown: Iterable[str]) -> str:
    """The picture with its texts in a comment."""
    comment = json.dumps(sorted(shown), indent=0).replace("--", "-\\u002d")
    return picture.replace("</svg>", f"<!-- texts: {comment} -->\n</svg>")


def missing_from(picture: str) -> list[str]:
    """Texts that a picture shows and the source does not have any more."""
    found = _COMMENT.search(picture)
    if found is None:
        return ["the picture has no list of its texts"]
    return [text for text in json.loads(found[1]) if text not in texts()]


def _texts_of(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    inner = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    documentation = {id(each) for each in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(_literal(part) for part in node.values)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inner | documentation
        ):
            text = _FILLED_IN.sub("{}", node.value)
        else:
            continue
        text = " ".join(text.split())
        if len(re.sub(r"[^A-Za-z]", "", text.replace("{}", ""))) >= _FEWEST_LETTERS and " " in text:
            yield text


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """Strings that stand alone: the docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _literal(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def _pattern(text: str) -> str:
    return r"[^\n]*?".join(re.escape(part) for part in text.split("{}"))
