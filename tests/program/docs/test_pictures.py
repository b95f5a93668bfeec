"""The pictures of the documentation show what the program prints now."""

import re
from xml.etree import ElementTree

import pytest
from rich.text import Text

from lab.environment import ROOT, Places
from lab.pictures import svg, texts
from lab.pictures.__main__ import PICTURES
from lab.pictures.screen import Screen

pytestmark = pytest.mark.unit

FOLDER = ROOT / "docs" / "pictures"
NAMES = ["plan.svg", "migration.svg", "verdict.svg"]


def test_the_readme_shows_every_picture_and_no_other() -> None:
    shown = re.findall(r"!\[[^]]+\]\(docs/pictures/([\w.-]+)\)", (ROOT / "README.md").read_text())

    assert sorted(shown) == sorted(NAMES) == sorted(file.name for file in FOLDER.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_what_a_picture_shows_is_what_the_program_says_now(name: str) -> None:
    picture = (FOLDER / name).read_text()

    ElementTree.fromstring(picture)
    assert texts.missing_from(picture) == [], "make it anew: make pictures"
    assert len(picture) < 400_000


@pytest.mark.parametrize("name", ["plan", "verdict"])
def test_plan_and_verdicts_are_those_of_the_recorded_clusters(name: str) -> None:
    same = (FOLDER / f"{name}.svg").read_text() == PICTURES[name](Places.default())

    assert same, f"make it anew: python -m lab.pictures {name}"


def test_a_text_that_the_program_does_not_have_makes_a_picture_out_of_date() -> None:
    picture = texts.stamped("<svg></svg>", ["a text that no file has {} at all"])

    assert texts.missing_from(picture) == ["a text that no file has {} at all"]
    assert texts.missing_from("<svg></svg>")


def test_a_text_is_found_in_a_line_with_what_is_filled_in() -> None:
    assert "{}: nothing is changed until all are fixed or permitted." in texts.shown_in(
        ["2 blockers: nothing is changed until all are fixed or permitted."]
    )


def test_a_screen_knows_what_a_live_display_erases() -> None:
    screen = Screen()
    screen.write("first\r\nlive 1\r\nlive 2")
    screen.write("\r\x1b[2K\x1b[1A\x1b[2Kdone\r\n\x1b[32mlive 3\x1b[0m")

    shown = screen.visible(10)
    assert [line.plain for line in shown] == ["first", "done", "live 3"]
    assert shown[2].spans[0].style.color.number == 2


def test_a_line_that_stays_is_one_element_of_the_animation() -> None:
    frames = [[Text("title"), Text(f"step {number} & more")] for number in range(3)]

    drawn = svg.animation(frames, title="a <command>", columns=20, lines=2, seconds=3)

    elements = ElementTree.fromstring(drawn).findall("{http://www.w3.org/2000/svg}text")
    assert len(elements) == 1 + 1 + 3
    assert drawn.count("<animate ") == 3
    assert 'values="hidden;visible;hidden" keyTimes="0;0.3333;0.6667"' in drawn
