"""`eks-cilium explain`: what a message means, from the page that the package has in it."""

import json

import pytest

from eks_cilium.troubleshooting import more, sections
from tests.program.cli.command import eks_cilium

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("topic", sections())
def test_what_a_message_prints_is_a_command_that_explains_it(topic: str) -> None:
    command, _, page = more(topic).partition(", or ")

    ended = eks_cilium(*command.split()[1:])

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"### `{topic}`\n\n")
    assert "**Go on:**" in ended.out
    assert page == f"docs/troubleshooting.md#{topic}"


def test_without_a_topic_all_are_listed() -> None:
    assert eks_cilium("explain").out.split() == list(sections())
    assert [each["topic"] for each in json.loads(eks_cilium("explain", "--format", "json").out)] == [
        *sections()
    ]


def test_a_topic_that_is_not_known_is_refused_with_those_that_are_close() -> None:
    ended = eks_cilium("explain", "lease-helt")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("not explained: no topic 'lease-helt': did you mean lease-held")
