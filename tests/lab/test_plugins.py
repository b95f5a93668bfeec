"""Which providers the lab uses: its emulations, or the official plugins that are on PATH."""

import os
from pathlib import Path

import pytest

from lab import program
from lab.__main__ import main
from lab.demo.__main__ import main as run_demo
from lab.environment import Places
from lab.plugins import MissingPluginError, Providers, executable, official_plugins

pytestmark = pytest.mark.unit


def folder_with(folder: Path, *packages: str) -> str:
    """A folder with executables of these plugins, as $PATH."""
    for name in packages:
        (folder / executable(name)).write_text("#!/bin/sh\n")
        (folder / executable(name)).chmod(0o755)
    return str(folder)


def test_emulations_need_no_plugin() -> None:
    assert official_plugins(Providers.EMULATED, "") == {}


def test_official_plugins_are_found_on_path(tmp_path: Path) -> None:
    path = folder_with(tmp_path, "eks", "kubernetes", "tls")

    found = official_plugins(Providers.REAL, path)

    assert found == {name: f"{path}/pulumi-resource-{name}" for name in ("eks", "kubernetes", "tls")}


def test_missing_plugins_are_named_in_one_line_with_the_way_out(tmp_path: Path) -> None:
    path = folder_with(tmp_path, "kubernetes")

    with pytest.raises(MissingPluginError) as missing:
        official_plugins(Providers.REAL, path)

    line = str(missing.value)
    assert "\n" not in line
    assert "not on PATH: pulumi-resource-eks, pulumi-resource-tls." in line
    assert "pulumi plugin install resource eks" in line


def test_aws_is_emulated_beside_official_plugins(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)

    command = " ".join(program.built_in_command(places, {"eks": "/p/pulumi-resource-eks"}))

    assert "lab.providers.aws," in command
    assert "eks=/p/pulumi-resource-eks," in command
    assert "lab.providers.eks" not in command


@pytest.mark.parametrize("command", [["new-cluster", "--providers", "real"], ["--providers", "real"]])
def test_a_demo_without_the_plugins_ends_before_a_lab_is_started(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("EKS_CILIUM_LAB", str(tmp_path / "lab"))

    assert run_demo(command) == 1

    assert capsys.readouterr().err.startswith("error: --providers real: not on PATH: pulumi-resource-eks")
    assert not (tmp_path / "lab").exists()


def test_an_unknown_choice_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pulumi", "--providers", "official", "--", "preview"])

    assert "choose from" in capsys.readouterr().err
