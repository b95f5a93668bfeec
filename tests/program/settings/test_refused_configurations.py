"""Wrong configurations are refused, with the key, the value, what is allowed and the fix."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from eks_cilium.settings import ConfigurationError, Settings, read
from eks_cilium.settings.model import MODELS
from eks_cilium.settings.problems import Problem, set_fix, unknown_key_fix
from tests.program.settings.bad_access import BAD_ACCESS
from tests.program.settings.bad_configurations import (
    BAD,
    EXISTING,
    GOOD,
    GOOD_CHAINING,
    GOOD_MESH,
    GOOD_OVERLAY,
    GOOD_REPLACEMENT,
    REMOVED,
    Bad,
    as_pulumi,
    changed,
)

pytestmark = pytest.mark.unit

_THREE_LINES = re.compile(
    r"^(eks-cilium|aws):\S+ is .+\n    allowed: .+\n    fix:     (pulumi config (set|rm) |rename |set )"
)


@pytest.mark.parametrize("bad", [*BAD, *BAD_ACCESS], ids=lambda bad: bad.name)
def test_every_bad_configuration_has_exactly_its_problems(bad: Bad):
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(bad.base, bad.change)))

    said = {problem.key: str(problem) for problem in refusal.value.problems}
    assert set(said) == set(bad.problems)
    for key, part in bad.problems.items():
        assert part in said[key]


@pytest.mark.parametrize("bad", [*BAD, *BAD_ACCESS], ids=lambda bad: bad.name)
def test_every_problem_names_key_value_allowed_and_fix(bad: Bad):
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(bad.base, bad.change)))

    for problem in refusal.value.problems:
        assert _THREE_LINES.match(str(problem))


@pytest.mark.parametrize(
    "cilium",
    [
        {},
        {
            "overlay": {"protocol": "geneve"},
            "values": {"loadBalancer": {"mode": "dsr", "dsrDispatch": "geneve"}},
        },
        {"values": {"installNoConntrackIptablesRules": False, "operator": {"extraEnv": []}}},
        {"overlay": {"podCidrs": ["10.64.0.0/16", "100.64.0.0/10"], "nodeMaskSize": 25}},
        {"masquerade": "on"},
    ],
)
def test_overlays_that_work_are_accepted(cilium: dict[str, Any]):
    assert read(as_pulumi(changed(GOOD_OVERLAY, {"cilium": cilium})))


def test_all_problems_are_reported_together():
    wrong = {
        "mode": "x",
        "cluster": {"name": "X"},
        "network": {"zones": True},
        "nodeGroups": {"a": {"minSze": 1}},
    }

    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, wrong)))

    assert {problem.key for problem in refusal.value.problems} >= {
        "eks-cilium:mode",
        "eks-cilium:cluster.name",
        "eks-cilium:nodeGroups.a.minSze",
    }
    assert "problems in the configuration of this stack" in str(refusal.value)


def test_a_misspelled_key_is_renamed_and_its_value_is_kept():
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {"cluster": {"endpiont": {"publicAccess": True}}})))

    (problem,) = refusal.value.problems
    assert problem.fix == "rename endpiont to endpoint below eks-cilium:cluster in the stack's file"
    assert (
        unknown_key_fix(("tgas",), "tags") == "rename eks-cilium:tgas to eks-cilium:tags in the stack's file"
    )


def test_a_key_like_no_other_is_removed_or_renamed():
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {"cluster": {"q": 1}})))

    (problem,) = refusal.value.problems
    assert problem.fix == (
        "pulumi config rm --path 'eks-cilium:cluster.q'; "
        "or rename it in the stack's file if another key was meant"
    )


def test_lists_and_objects_inside_of_a_key_are_set_in_the_file_because_pulumi_would_store_text():
    assert (
        set_fix(("cluster",), {"name": "dev"})
        == "pulumi config set 'eks-cilium:cluster' '{\"name\": \"dev\"}'"
    )
    assert set_fix(("cluster", "name"), "dev") == "pulumi config set --path 'eks-cilium:cluster.name' dev"
    assert set_fix(("cluster", "admins"), ["a"]) == (
        'set eks-cilium:cluster.admins to ["a"] in the stack\'s file'
    )


def test_a_missing_object_says_which_keys_it_holds():
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {"cluster": REMOVED, "coredns": REMOVED})))

    allowed = {problem.key: problem.allowed for problem in refusal.value.problems}
    assert allowed["eks-cilium:cluster"].startswith("an object with name and kubernetesVersion, and any of ")
    assert allowed["eks-cilium:coredns"] == "an object with version, and replicas"


def test_rules_between_keys_are_reported_together():
    wrong = {"network": {"cidr": "172.20.0.0/16", "zones": 1}, "cilium": {"hubble": {"ui": True}}}

    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, wrong)))

    assert {problem.key for problem in refusal.value.problems} == {
        "eks-cilium:network.cidr",
        "eks-cilium:network.zones",
        "eks-cilium:cilium.hubble.ui",
    }


def test_an_unknown_key_does_not_hide_broken_rules():
    wrong = {"cluster": {"nmae": "x", "endpoint": {"publc": True}}, "network": {"zones": 1}}

    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, wrong)))

    assert {problem.key for problem in refusal.value.problems} == {
        "eks-cilium:cluster.nmae",
        "eks-cilium:cluster.endpoint.publc",
        "eks-cilium:network.zones",
    }


def test_rules_that_could_not_be_applied_yet_are_announced():
    wrong = {"network": {"cidr": "x", "zones": 1}}

    with pytest.raises(ConfigurationError, match="checked once these problems are fixed"):
        read(as_pulumi(changed(GOOD, wrong)))


def test_a_secret_is_never_quoted():
    wrong = as_pulumi(changed(GOOD, {"tags": {"Name": "hunter2"}}))

    with pytest.raises(ConfigurationError) as refusal:
        read(wrong, secret_keys=["eks-cilium:tags"])

    assert "hunter2" not in str(refusal.value)
    assert "(secret)" in str(refusal.value)


def test_credentials_in_the_configuration_are_never_quoted():
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {"aws:secretKey": "hunter2"})))

    assert "hunter2" not in str(refusal.value)


def test_a_key_of_the_provider_that_is_no_secret_is_quoted_with_the_key_to_use_instead():
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {"aws:defaultTags": {"tags": {"team": "payments"}}})))

    (problem,) = refusal.value.problems
    assert problem.value == {"tags": {"team": "payments"}}
    assert "eks-cilium:tags" in problem.allowed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:endpoints", [{"eks": "https://hunter2"}]),
        ("aws:defaultTags", {"tags": {"team": "hunter2"}}),
    ],
)
def test_a_key_of_the_provider_that_was_set_as_a_secret_is_not_quoted(key: str, value: Any):
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(changed(GOOD, {key: value})), secret_keys=[key])

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("ami_type", "instance_type"),
    [
        ("AL2023_x86_64_NVIDIA", "g5.xlarge"),
        ("AL2023_x86_64_NVIDIA", "p5.48xlarge"),
        ("AL2023_x86_64_NVIDIA", "gr6.4xlarge"),
        ("AL2023_ARM_64_NVIDIA", "g5g.xlarge"),
        ("AL2023_x86_64_NEURON", "inf2.xlarge"),
        ("AL2023_x86_64_NEURON", "trn1.2xlarge"),
        ("BOTTLEROCKET_x86_64_NVIDIA", "g6.xlarge"),
        ("BOTTLEROCKET_ARM_64_NVIDIA_FIPS", "g5g.xlarge"),
        ("BOTTLEROCKET_x86_64_FIPS", "m7i.large"),
    ],
)
def test_images_with_drivers_of_accelerators_are_accepted(ami_type: str, instance_type: str):
    group = {"amiType": ami_type, "instanceTypes": [instance_type]}

    assert read(as_pulumi(changed(GOOD, {"nodeGroups": {"system": group}})))


def test_nodes_reach_a_public_endpoint_that_is_open_to_all():
    endpoint = {
        "privateAccess": False,
        "publicAccess": True,
        "publicAccessCidrs": ["0.0.0.0/1", "128.0.0.0/1"],
    }

    assert read(as_pulumi(changed(GOOD, {"cluster": {"endpoint": endpoint}})))


@pytest.mark.parametrize(
    "good",
    [GOOD, EXISTING, GOOD_CHAINING, GOOD_REPLACEMENT, GOOD_MESH],
    ids=["new VPC", "existing VPC", "chaining", "replacement", "mesh"],
)
def test_a_good_configuration_is_frozen(good: dict):
    configuration = read(as_pulumi(good))

    with pytest.raises(ValueError, match="frozen"):
        configuration.mode = "other"  # type: ignore[misc, assignment]


def test_keys_of_other_packages_are_left_alone():
    assert read({**as_pulumi(GOOD), "kubernetes:x": "y"}).mode == "new-cluster"


_JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


_WIDE = [
    changed(GOOD, {"tags": {"a": "b"}, "kubeProxy": {"version": "v1.34.0-eksbuild.2"}}),
    changed(GOOD_CHAINING, {"tags": {"a": "b"}, "refresh": {"parallel": 2, "allow": {"budgets": ["a/b"]}}}),
    changed(GOOD_REPLACEMENT, {"tags": {"a": "b"}, "migration": {"surge": 2, "allow": {"budgets": ["a/b"]}}}),
]


def _somewhere(draw: strategies.DrawFn) -> dict:
    """A good configuration in which one to three places hold anything."""
    result = changed(draw(strategies.sampled_from(_WIDE)), {})
    for _ in range(draw(strategies.integers(1, 3))):
        node = result
        while True:
            key = draw(strategies.sampled_from(sorted(node)) | strategies.text(min_size=1, max_size=8))
            if isinstance(node.get(key), dict) and node[key] and draw(strategies.booleans()):
                node = node[key]
                continue
            node[key] = draw(_JSON | strategies.sampled_from(["10.0.0.0/16", "public", "off", 0, 3, REMOVED]))
            if node[key] is REMOVED:
                del node[key]
            break
    return result


def _answer(configuration: dict) -> Settings | ConfigurationError:
    try:
        return read(as_pulumi(configuration))
    except ConfigurationError as refusal:
        return refusal


@settings(max_examples=200, deadline=None)
@given(strategies.composite(_somewhere)())
def test_the_parser_answers_everything_with_settings_or_problems(configuration: dict):
    answer = _answer(configuration)

    assert isinstance(answer, Settings) or answer.problems


@given(strategies.dictionaries(strategies.text(), strategies.text(), max_size=5))
def test_the_parser_survives_any_flat_map(raw: dict):
    with pytest.raises(ConfigurationError):
        read({f"eks-cilium:{key}": value for key, value in raw.items()})


def test_the_table_covers_at_least_thirty_different_keys():
    assert len({key for bad in BAD for key in bad.problems}) >= 30
    assert len({bad.name for bad in BAD}) == len(BAD)


def test_the_stack_files_are_good(stack_file: dict):
    raw = {key: value if isinstance(value, str) else json.dumps(value) for key, value in stack_file.items()}

    assert read(raw).mode in MODELS


_FIX = re.compile(
    r"^(?:pulumi config set (?:--path )?'(?P<key>\S+)' (?P<text>'[^']+'|\S+)"
    r"|set (?P<path>\S+) to (?P<json>.+) in the stack's file)$"
)
_PARTS = re.compile(r'\[(\d+)\]|\["([^"]+)"\]|([^.\[\]]+)')


@pytest.mark.parametrize("bad", [*BAD, *BAD_ACCESS], ids=lambda bad: bad.name)
def test_a_fix_that_gives_a_key_a_value_works_when_it_is_followed(bad: Bad):
    configuration = changed(bad.base, bad.change)
    with pytest.raises(ConfigurationError) as refusal:
        read(as_pulumi(configuration))
    followed = {problem.key for problem in refusal.value.problems if _follow(configuration, problem)}

    assert not followed & {problem.key for problem in _problems(configuration)}


def _problems(configuration: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        read(as_pulumi(configuration))
    except ConfigurationError as error:
        return error.problems
    return ()


def _follow(configuration: dict[str, Any], problem: Problem) -> bool:
    """Do what a fix says, as Pulumi does: `--path` makes numbers and booleans of texts that look so."""
    found = _FIX.match(problem.fix)
    if found is None:
        return False
    key = (found["key"] or found["path"]).removeprefix("eks-cilium:")
    parts = [int(index) if index else quoted or plain for index, quoted, plain in _PARTS.findall(key)]
    inside: Any = configuration
    for part in parts[:-1]:
        inside = inside[part] if isinstance(part, int) else inside.setdefault(part, {})
    text = (found["text"] or "").strip("'")
    plain = text if re.fullmatch(r"true|false|\d+", text) else json.dumps(text)
    inside[parts[-1]] = json.loads(found["json"] or plain)
    return True
