"""`eks-cilium check`: the file of a stack, judged without Pulumi."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.environment import ROOT
from tests.program.cli.command import eks_cilium
from tests.program.settings.bad_configurations import GOOD, GOOD_MESH

pytestmark = pytest.mark.unit

DEV = ROOT / "stacks" / "Pulumi.dev.yaml"
PROJECT = {"name": "eks-cilium", "runtime": "python", "stackConfigDir": "stacks"}


def keys(configuration: dict[str, Any]) -> dict[str, Any]:
    return {key if ":" in key else f"eks-cilium:{key}": value for key, value in configuration.items()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(PROJECT))
    return tmp_path


def stack(project: Path, config: object, name: str = "test") -> Path:
    path = project / "stacks" / f"Pulumi.{name}.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    return path


@pytest.mark.parametrize("file", sorted((ROOT / "stacks").glob("Pulumi.*.yaml")), ids=lambda file: file.name)
def test_the_stacks_of_the_project_are_right(file: Path) -> None:
    ended = eks_cilium("check", str(file))

    assert (ended.status, ended.err) == (0, "")
    assert "no problems" in ended.out


def test_every_problem_is_printed_with_its_key_value_range_and_fix(project: Path) -> None:
    file = stack(project, {**keys(GOOD), "eks-cilium:hubbel": True, "eks-cilium:tags": "blue"})

    ended = eks_cilium("check", str(file))

    assert ended.status == 2
    assert "2 problems" in ended.out
    for text in (
        "eks-cilium:hubbel is true",
        'eks-cilium:tags is "blue"',
        "allowed: an object of up to 40 tags",
        "fix:     pulumi config set",
    ):
        assert text in ended.out


def test_json_is_a_contract(project: Path) -> None:
    config = {**keys(GOOD), "eks-cilium:tags": "blue"}
    del config["aws:region"]

    ended = eks_cilium("check", str(stack(project, config)), "--format", "json")

    document = json.loads(ended.out)
    assert (document["schema"], document["mode"]) == ("eks-cilium/check/v1", "new-cluster")
    assert {problem["key"]: (problem["isSet"], problem["value"]) for problem in document["problems"]} == {
        "aws:region": (False, None),
        "eks-cilium:tags": (True, "blue"),
    }
    assert all(problem["allowed"] and problem["fix"] for problem in document["problems"])
    assert not document["complete"]


def test_markdown_is_a_table(project: Path) -> None:
    ended = eks_cilium(
        "check", str(stack(project, {**keys(GOOD), "eks-cilium:tags": "blue"})), "--format", "markdown"
    )

    assert '| `eks-cilium:tags` | `"blue"` | an object of up to 40 tags' in ended.out


def test_policy_files_are_found_from_the_project_wherever_the_command_runs(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = keys({**GOOD_MESH, "policies": {"files": [{"cluster": "cluster-1", "path": "policies/a.yaml"}]}})
    file = stack(project, config)
    monkeypatch.chdir("/")
    missing = eks_cilium("check", str(file))

    (project / "policies").mkdir()
    (project / "policies" / "a.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "cilium.io/v2",
                "kind": "CiliumNetworkPolicy",
                "metadata": {"name": "a", "namespace": "shop"},
                "spec": {"endpointSelector": {}, "ingress": [{}]},
            }
        )
    )
    found = eks_cilium("check", str(file))

    assert (missing.status, found.status) == (2, 0), found.out
    assert "cannot read policies/a.yaml" in missing.out
    assert Path.cwd() == Path("/")


def mesh_with(project: Path, **policies: object) -> Path:
    return stack(project, keys({**GOOD_MESH, "policies": policies}))


def test_what_policies_allow_is_judged(project: Path) -> None:
    pods = {
        "from": {"cluster": "cluster-1", "namespace": "shop"},
        "to": {"cluster": "cluster-2", "namespace": "payments"},
    }
    intent = {"name": "pay", "from": pods["from"], "to": {**pods["to"], "ports": ["8443/TCP"]}}
    wanted = {**pods, "port": "8443/TCP"}

    right = eks_cilium("check", str(mesh_with(project, intents=[intent], mustAllow=[wanted])))
    wrong = eks_cilium("check", str(mesh_with(project, intents=[intent], mustDeny=[wanted])))

    assert (right.status, wrong.status) == (0, 2), right.out
    assert "eks-cilium:policies.mustDeny[0]" in wrong.out


def test_what_only_some_releases_refuse_is_left_to_the_preview(project: Path) -> None:
    """Cilium knows ranges of ports from 1.16 on."""
    intent = {
        "name": "pay",
        "from": {"cluster": "cluster-1", "namespace": "shop"},
        "to": {"cluster": "cluster-2", "namespace": "payments", "ports": ["8000-8100/TCP"]},
    }

    assert eks_cilium("check", str(mesh_with(project, intents=[intent]))).status == 0


def test_encrypted_values_count_as_set_and_are_not_judged(project: Path) -> None:
    secret = {"secure": "v1:abc:def"}
    config = {**keys(GOOD), "aws:profile": secret, "eks-cilium:tags": {"team": secret, "owner": "me"}}

    ended = eks_cilium("check", str(stack(project, config)))

    assert ended.status == 0, ended.out
    assert "aws:profile is encrypted: what it holds was not checked." in ended.out
    assert "eks-cilium:tags.team is encrypted" in ended.out
    assert "v1:abc" not in ended.out


def test_an_encrypted_value_of_an_unknown_key_is_still_a_problem(project: Path) -> None:
    ended = eks_cilium(
        "check", str(stack(project, {**keys(GOOD), "eks-cilium:hubbel": {"secure": "v1:abc"}}))
    )

    assert ended.status == 2
    assert "eks-cilium:hubbel is" in ended.out
    assert "no such key" in ended.out


def test_what_needs_an_encrypted_value_cannot_be_judged(project: Path) -> None:
    config = keys({**GOOD, "cluster": {**GOOD["cluster"], "name": {"secure": "v1:abc"}}})

    ended = eks_cilium("check", str(stack(project, config)))

    assert ended.status == 1
    assert "could not be judged" in ended.out
    assert "eks-cilium:cluster.name is encrypted" in ended.out


def test_defaults_and_short_keys_are_those_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        yaml.safe_dump(
            {
                **PROJECT,
                "config": {
                    "aws:region": {"value": "eu-west-1"},
                    "mode": {"type": "string", "default": "new-cluster"},
                },
            }
        )
    )
    config = {key: value for key, value in GOOD.items() if key not in {"aws:region", "mode"}}
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump({"config": config}))

    ended = eks_cilium("check", str(path))

    assert ended.status == 0, ended.out
    assert "mode new-cluster" in ended.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("config:\n  a: [1\n", "is not YAML in line 3, column 1"),
        ("- a\n", "is not a Pulumi file"),
        ("config: 3\n", "`config` has to be an object"),
        ("name: eks-cilium\nruntime: python\n", "is the project's file"),
    ],
)
def test_a_file_that_is_no_stack_is_not_judged(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text)

    ended = eks_cilium("check", str(path))

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"not checked: {path}")
    assert says in ended.err


def test_a_file_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    ended = eks_cilium("check", str(tmp_path / "none.yaml"))

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == f"not checked: cannot read {tmp_path / 'none.yaml'}: No such file or directory\n"
