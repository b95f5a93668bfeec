"""Every message that ends a run or blocks a plan has its section in docs/troubleshooting.md, and links it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import eks_cilium
from eks_cilium.cli.failures import explained
from eks_cilium.cluster.objects import Reference
from eks_cilium.dynamic.shell.plain_errors import message_or_trace
from eks_cilium.errors import AwsError, ProgramError, UserError
from eks_cilium.migration.plan.model import Blocker, Code
from eks_cilium.migration.plan.wording import BLOCKERS
from eks_cilium.migration.report.layout import blocker_lines
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import PAGE, Topic, linked, more, sections
from lab.environment import ROOT

pytestmark = pytest.mark.unit

TEXT = (ROOT / PAGE).read_text()
SECTIONS = sections()
LOCAL = (UserError, AwsError, ProgramError)
"""Raised through others, or for a wrong command line, where the message says all there is."""


def anchors() -> set[str]:
    return {str(topic) for topic in Topic} | {str(code) for code in BLOCKERS}


def test_every_topic_and_every_blocker_has_a_section_and_no_section_is_left_over() -> None:
    assert set(SECTIONS) == anchors()
    assert len(re.findall(r"^### ", TEXT, re.MULTILINE)) == len(SECTIONS)


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_a_section_says_where_to_look_and_how_to_go_on(name: str) -> None:
    text = SECTIONS[name]

    assert text.index("**Look:**") < text.index("**Go on:**")
    assert len(text.split("**Look:**")[0].split()) >= 5


def errors() -> Iterator[type[ProgramError]]:
    for module in pkgutil.walk_packages(eks_cilium.__path__, "eks_cilium."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    left = [ProgramError]
    while left:
        found = left.pop()
        left.extend(found.__subclasses__())
        yield found


def test_every_error_of_the_program_has_a_topic() -> None:
    without = {error for error in errors() if error.topic is None and not issubclass(error, StoppedError)}

    assert without == set(LOCAL)


def test_every_topic_is_one_that_an_error_has() -> None:
    files = [file for name in ("eks_cilium", "stacks") for file in (ROOT / name).rglob("*.py")]
    texts = [file.read_text() for file in [*files, ROOT / "__main__.py"] if file.name != "troubleshooting.py"]

    assert [topic.name for topic in Topic if not any(f"Topic.{topic.name}" in text for text in texts)] == []


def test_a_run_that_stops_prints_the_link() -> None:
    try:
        raise StoppedError(Topic.PODS_PENDING, "pods have had no node", "Give them a node.")
    except StoppedError:
        printed = message_or_trace()

    assert printed == f"pods have had no node\nGive them a node.\nMore: {more(Topic.PODS_PENDING)}"


def test_a_command_that_cannot_finish_prints_the_link() -> None:
    assert explained(StoppedError(Topic.LEASE_HELD, "bob", "Wait.")).endswith(f"\nMore: {more('lease-held')}")
    assert explained(UserError("--port: 70000")) == "--port: 70000"


def test_a_blocker_prints_the_link_in_tables_and_in_previews() -> None:
    blocker = Blocker(Code.TWO_BUDGETS, Reference("Pod", "shop", "web"), "problem", "allowed", "fix")

    assert str(blocker).endswith(f" More: {more('two-budgets')}")
    assert [*blocker_lines(blocker)][-1].split() == ["more:", *more("two-budgets").split()]


def test_a_message_has_one_link() -> None:
    once = linked("no", Topic.ADD_ON)

    assert linked(once, Topic.REFUSED_IN_PREVIEW) == once
