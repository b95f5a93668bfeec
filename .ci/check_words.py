"""Counts what the style of this project forbids, and fails with a list of places.

`make check` runs it over every Python file that git knows; give folders or files to look at those alone:

    python .ci/check_words.py eks_cilium/migration

It looks at names (`thing`, `told`, `one` as a noun), at docstrings (actors without a name, fewer than five
words), at the sizes of functions, at annotations, and at folders with too many modules.
"""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
NAMES = frozenset({"thing", "things", "one", "ones", "told"})
ACTORS = re.compile(r"\b(nobody|somebody|whoever)\b", re.IGNORECASE)
FEWEST_WORDS = 5
LONGEST_FUNCTION = 80
NINE_IN_TEN = 35
MEDIAN = 9
MOST_MODULES = 14
MODULES_ARE_LIMITED_IN = ("eks_cilium", "lab")
PRODUCT = ("eks_cilium", "components", "stacks", "lab")
"""Where every function is annotated and counted; a test's signature is its fixtures."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Findings:
    """What was found in all files."""

    places: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


def main(arguments: Sequence[str]) -> int:
    """Print every place and the sizes of functions; 1 where something is forbidden."""
    files = _files(arguments)
    findings = Findings()
    for file in files:
        _look_at(file, findings)
    findings.places.extend(_crowded(files))
    print(*findings.places, sep="\n", end="\n" if findings.places else "")
    too_long = _sizes(findings.lengths)
    print(*too_long, sep="\n", end="\n" if too_long else "")
    print(f"words: {len(files)} files, {len(findings.places)} findings")
    return 1 if findings.places or too_long else 0


def _files(arguments: Sequence[str]) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *(arguments or ["*.py"])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.splitlines() if name.endswith(".py")]
    return [Path(name) for name in names if (ROOT / name).is_file()]


def _look_at(file: Path, findings: Findings) -> None:
    tree = ast.parse((ROOT / file).read_text())
    for line, problem in sorted(_problems(tree, product=file.parts[0] in PRODUCT)):
        findings.places.append(f"{file}:{line}: {problem}")
    if file.parts[0] in PRODUCT:
        findings.lengths.extend(_length(node) for node in ast.walk(tree) if isinstance(node, Function))


def _problems(tree: ast.Module, *, product: bool) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        yield from _names(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstring(node)
        if isinstance(node, Function):
            if _length(node) > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {_length(node)} lines, more than {LONGEST_FUNCTION}"
            if product:
                yield from _annotations(node)


def _names(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in NAMES:
        yield node.lineno, f"a variable named {node.id!r}"
    if isinstance(node, ast.arg) and node.arg in NAMES:
        yield node.lineno, f"an argument named {node.arg!r}"
    if isinstance(node, Function) and node.name.strip("_") in NAMES:
        yield node.lineno, f"a function named {node.name!r}"


def _docstring(node: ast.Module | ast.ClassDef | Function) -> Iterator[tuple[int, str]]:
    text = ast.get_docstring(node)
    if text is None:
        return
    line = node.body[0].lineno
    if found := ACTORS.search(text):
        yield line, f"a docstring with {found[0]!r}: name the actor"
    if len(text.split()) < FEWEST_WORDS:
        yield line, f"a docstring of fewer than {FEWEST_WORDS} words: {text!r}"


def _annotations(node: Function) -> Iterator[tuple[int, str]]:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    bare = [each.arg for each in arguments if each.annotation is None and each.arg not in {"self", "cls"}]
    if bare:
        yield node.lineno, f"{node.name} does not annotate {', '.join(bare)}"
    if node.returns is None:
        yield node.lineno, f"{node.name} does not annotate what it returns"


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _sizes(lengths: list[int]) -> list[str]:
    if len(lengths) < 10:
        return []
    median, ninth = statistics.median(lengths), statistics.quantiles(lengths, n=10)[-1]
    print(f"functions: {len(lengths)}, median {median:g} lines, 9 in 10 within {ninth:g}, max {max(lengths)}")
    problems = []
    if median > MEDIAN:
        problems.append(f"the median function has {median:g} lines, more than {MEDIAN}")
    if ninth > NINE_IN_TEN:
        problems.append(f"9 in 10 functions have up to {ninth:g} lines, more than {NINE_IN_TEN}")
    return problems


def _crowded(files: Sequence[Path]) -> Iterator[str]:
    folders = Counter(file.parent for file in files if file.parts[0] in MODULES_ARE_LIMITED_IN)
    for folder, modules in sorted(folders.items()):
        if modules > MOST_MODULES:
            yield f"{folder}: {modules} modules, more than {MOST_MODULES}: give it wings"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
