"""The pages that users read, and what is found in them: commands, links, headings."""

import re
from collections.abc import Iterator
from pathlib import Path

from lab.environment import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TOOLS = (
    "make",
    "python -m",
    "pulumi",
    "eks-cilium",
    "kubectl",
    "aws",
    "helm",
    "cilium",
    "cilium-dbg",
    "hubble",
)
"""Programs whose command lines are checked, also where they stand in the middle of a sentence."""

_BLOCK = re.compile(r"^ *```(?:sh|bash)\n(.*?)```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(rf"`((?:{'|'.join(map(re.escape, TOOLS))}) [^`]+)`")
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def lines_of_blocks(page: Path) -> Iterator[str]:
    """Yield each line of the page's shell blocks, without comments and joined where it is continued."""
    for block in _BLOCK.findall(page.read_text()):
        lines = block.replace("\\\n", " ").splitlines()
        yield from (line.split(" #")[0].strip() for line in lines if line.strip())


def commands(page: Path) -> Iterator[str]:
    """Yield each line of the page's shell blocks, and each command in its inline code."""
    yield from lines_of_blocks(page)
    yield from _INLINE.findall(_FENCED.sub("", page.read_text()))


def matching(pattern: str) -> list[tuple[str, str]]:
    """The pages' names, each with what a pattern finds in a command of it."""
    return [
        (page.name, found) for page in PAGES for line in commands(page) for found in re.findall(pattern, line)
    ]


def links(page: Path) -> list[tuple[str, str]]:
    """The links of a page to files of this project: the path, empty for the page itself, and the anchor."""
    return _LINK.findall(_FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", page.read_text())):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = next(number for number in range(100) if _numbered(slug, number) not in found)
        found.add(_numbered(slug, number))
    return found


def _numbered(slug: str, number: int) -> str:
    return f"{slug}-{number}" if number else slug
