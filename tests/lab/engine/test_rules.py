"""Unit tests of names, paths, differences, orders and messages."""

import pytest

from lab.engine.display.operations import summary
from lab.engine.display.property_changes import compare
from lab.engine.display.text import clean, seconds
from lab.engine.errors import UserError
from lab.engine.events import Op, Step
from lab.engine.providers.diff import Diff, with_replace_on_changes
from lab.engine.providers.grpc_errors import readable
from lab.engine.providers.registry import Sources, default_name
from lab.engine.state import urns
from lab.engine.state.property_paths import contains, put_back
from lab.engine.state.resources import Resource, dependents
from lab.engine.state.values import UNKNOWN, secret
from lab.engine.steps.aliases import Aliases
from lab.engine.steps.deletes import levels
from lab.engine.steps.goals import Alias, Goal, duration

pytestmark = pytest.mark.unit

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"


def urn(name, parent=STACK, type_="t"):
    return urns.make("dev", "shop", parent, type_, name)


def resource(name, *needs):
    return Resource(urn(name), "t", custom=True, dependencies=[urn(other) for other in needs])


def test_a_urn_is_qualified_by_its_parent_but_not_by_the_stack():
    parent = urn("c", type_="my:index:Comp")

    assert parent == "urn:pulumi:dev::shop::my:index:Comp::c"
    assert urn("x::y", parent) == "urn:pulumi:dev::shop::my:index:Comp$t::x::y"
    assert (urns.type_of(urn("x::y", parent)), urns.name_of(urn("x::y", parent))) == ("t", "x::y")


@pytest.mark.parametrize(
    ("type_", "short"),
    [
        ("aws:ec2/vpc:Vpc", "aws:ec2:Vpc"),
        ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Release"),
        ("pulumi:providers:aws", "pulumi:providers:aws"),
        ("plain", "plain"),
    ],
)
def test_types_are_shown_short(type_, short):
    assert urns.short_type(type_) == short


def test_a_provider_reference_is_a_urn_and_an_id():
    text = f"{urn('p', type_='pulumi:providers:aws')}::{UNKNOWN}"

    assert str(urns.parse_reference(text)) == text
    assert urns.package_of("pulumi:providers:aws") == urns.package_of("aws:ec2/vpc:Vpc") == "aws"


@pytest.mark.parametrize(
    ("pattern", "path", "within"),
    [
        ("tags", "tags.Name", True),
        ("tags.Name", "tags", False),
        ("rules[*].port", "rules[3].port", True),
        ('tags["a.b"]', 'tags["a.b"]', True),
        ("a", "ab", False),
    ],
)
def test_paths_contain_what_lies_below(pattern, path, within):
    assert contains(pattern, path) is within


def test_named_changes_become_replacements():
    diff = Diff(changes=True, diffs=("size", "label"), detailed={"size": "update", "label": "update"})

    changed = with_replace_on_changes(diff, ["size"])

    assert changed.replace
    assert changed.replaces == ("size",)
    assert changed.detailed == {"size": "update-replace", "label": "update"}
    assert not with_replace_on_changes(diff, ["other"]).replace


@pytest.mark.parametrize(
    ("new", "old", "ignored", "expected"),
    [
        ({"a": 2}, {"a": 1}, "a", {"a": 1}),
        ({"a": 2}, {}, "a", {}),
        ({}, {"a": 1}, "a", {"a": 1}),
        ({"a": {"b": 2, "c": 2}}, {"a": {"b": 1, "c": 1}}, "a.b", {"a": {"b": 1, "c": 2}}),
        ({"a": [{"b": 2}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 1}]}, "a[*].b", {"a": [{"b": 1}, {"b": 1}]}),
        ({"a": [2, 2]}, {"a": [1]}, "a[1]", {"a": [2, 2]}),
    ],
)
def test_ignored_changes_are_put_back(new, old, ignored, expected):
    assert put_back(new, old, [ignored]) == expected


def test_dependents_are_found_through_others():
    chain = [resource("a"), resource("b", "a"), resource("c", "b"), resource("d")]

    assert [r.urn for r in dependents([urn("a")], chain)] == [urn("b"), urn("c")]


def test_what_is_needed_is_deleted_after_what_needs_it():
    chain = [resource("a"), resource("b", "a"), resource("c", "a"), resource("d", "b", "c")]
    steps = [Step(Op.DELETE, r.urn, r) for r in chain]

    assert [[urns.name_of(step.urn) for step in level] for level in levels(steps)] == [
        ["d"],
        ["b", "c"],
        ["a"],
    ]


def test_a_child_is_looked_for_under_its_parents_old_name():
    aliases = Aliases("dev", "shop")
    aliases.take(urn("old", type_="my:index:C"), urn("new", type_="my:index:C"))
    goal = Goal("t", "new-x", custom=True, parent=urn("new", type_="my:index:C"), aliases=[Alias(name="was")])

    assert aliases.candidates(goal) == [
        "urn:pulumi:dev::shop::my:index:C$t::was",
        "urn:pulumi:dev::shop::my:index:C$t::old-x",
    ]


@pytest.mark.parametrize(("text", "found"), [("20m", 1200), ("1h30m", 5400), ("45s", 45), ("1.5h", 5400)])
def test_durations_are_read(text, found):
    assert duration(text) == found


def test_a_duration_that_is_none_is_refused():
    with pytest.raises(UserError, match="20 minutes"):
        duration("20 minutes")


def test_a_difference_shows_what_changed_and_no_secret():
    old = {"a": 1, "b": {"x": 1, "y": 2}, "c": ["p", "q"], "s": secret("one"), "u": "u"}
    new = {"a": 2, "b": {"x": 1, "y": 3, "z": UNKNOWN}, "c": ["p", "r"], "s": secret("two"), "n": True}

    assert compare(old, new, frozenset({"a"})) == [
        "~ a: 1 => 2 (forces replacement)",
        "~ b: {",
        "    ~ y: 2 => 3",
        "    + z: [unknown]",
        "  }",
        "~ c: [",
        '    ~ [1]: "q" => "r"',
        "  ]",
        "+ n: true",
        "~ s: [secret] => [secret]",
        '- u: "u"',
    ]


def test_a_summary_counts():
    counts = {Op.CREATE: 2, Op.UPDATE: 1, Op.SAME: 5}

    assert summary(counts, planned=True) == ["+ 2 to create", "~ 1 to update. 3 changes", "5 unchanged"]


@pytest.mark.parametrize(("given", "shown"), [(1.234, "1.2s"), (75, "1m15s"), (3700, "1h1m40s")])
def test_times_are_readable(given, shown):
    assert seconds(given) == shown


def test_messages_bring_no_control_characters():
    assert clean("\x1b[31mred\x1b[0m\x07 and \r done\n") == "red and  done\n"


TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 3, in create\n    raise it\n'


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        (
            f"Exception calling application: {TRACEBACK}clients.errors.NotFoundError: no node\nip-10\n",
            "no node\nip-10",
        ),
        (f"{TRACEBACK}KeyError: 'x'\n", f"{TRACEBACK}KeyError: 'x'"),
        ("plain words", "plain words"),
    ],
)
def test_a_deliberate_error_is_shown_without_and_a_bug_with_its_traceback(details, shown):
    assert readable(details) == shown


def test_providers_are_commands_or_ports_and_attached_ones_come_first():
    sources = Sources.parse("aws=python -m x --y,eks=81", {"PULUMI_DEBUG_PROVIDERS": "aws:82"})

    assert (sources.command("aws"), sources.command("eks")) == (82, 81)
    assert Sources.parse("aws=python -m x", {}).command("aws") == ["python", "-m", "x"]


@pytest.mark.parametrize(
    ("package", "version", "name"),
    [("aws", "7.51.1", "default_7_51_1"), ("aws", "", "default"), ("pulumi-python", "1.0.0", "default")],
)
def test_default_providers_carry_their_version(package, version, name):
    assert default_name(package, version) == name
