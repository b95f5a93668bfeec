"""Tools are built once, completely or not at all; a missing program is reported in one line.

The `go` command of these tests is a script that gives the compiler's answers.
"""

import json
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from eks_cilium.cilium.versions import TRIED
from lab.cluster.processes import start_time, wait_until
from lab.toolchain import (
    CILIUM_VERSIONS,
    BuildError,
    DownloadError,
    MissingToolError,
    TamperedModuleError,
    Toolchain,
    UnknownVersionError,
    charts,
    default_cache,
)
from lab.toolchain.golang import Go, Program
from lab.toolchain.store import Store

pytestmark = pytest.mark.simulation


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def go(tmp_path, reported):
    """A Go whose command is a script; it gets the arguments, and `go env` returns the version."""

    def make(body: str, *, version: str = "go1.26.8", every: float = 20.0, report=reported.append) -> Go:
        folder = tmp_path / "path"
        folder.mkdir(exist_ok=True)
        script = folder / "go"
        script.write_text(f'#!/bin/sh\nif [ "$1" = env ]; then echo {version}; exit 0; fi\n{body}\n')
        script.chmod(0o755)
        return Go(report, path=str(folder), every=every)

    return make


@pytest.fixture
def program(tmp_path) -> Program:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example\n")
    (module / "go.sum").write_text("")
    (module / "main.go").write_text("package main\n")
    return Program(title="an example", module=module, variables={"main.version": "1"})


def test_missing_go_is_reported_with_what_to_install(tmp_path, program):
    with pytest.raises(MissingToolError) as raised:
        Go(print, path=str(tmp_path)).key(program)

    assert str(raised.value).startswith("Go 1.26 or newer")
    assert "no `go` is on PATH" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("version", ["go1.20.14", "go1.9", "devel"])
def test_old_go_is_refused_by_its_version(go, program, version):
    with pytest.raises(MissingToolError, match=rf"^Go 1.26 or newer .* has: {version}\."):
        go("", version=version).key(program)


def test_key_depends_on_everything_that_determines_the_result(go, program):
    first = go("").key(program)

    assert go("").key(program) == first
    assert go("", version="go1.27.0").key(program) != first
    assert go("").key(replace(program, variables={"main.version": "2"})) != first
    (program.module / "deeper").mkdir()
    (program.module / "deeper" / "more.go").write_text("package deeper\n")
    second = go("").key(program)
    assert second != first
    (program.module / "go.sum").write_text("changed")
    third = go("").key(program)
    (program.module / "deeper" / "embedded.yaml").write_text("a: 1\n")
    assert len({first, second, third, go("").key(program)}) == 4


def test_key_ignores_what_is_not_built(go, program):
    first = go("").key(program)
    (program.module / "main_test.go").write_text("package main\n")
    (program.module / "README.md").write_text("words\n")

    assert go("").key(program) == first


def test_failed_build_ends_with_the_compilers_last_lines(go, program, tmp_path):
    body = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo main.go:$i: wrong >&2; done; exit 1"

    with pytest.raises(BuildError) as raised:
        go(body).build(program, tmp_path / "out")

    lines = str(raised.value).splitlines()
    assert lines[0] == "building an example failed:"
    assert lines[-1] == "main.go:100: wrong"
    assert len(lines) < 20


def test_build_passes_versions_to_the_linker(go, program, tmp_path):
    go('echo "$@" >"$7"').build(program, tmp_path / "out")

    flags = "-mod=readonly -buildvcs=false -ldflags -s -w -X main.version=1"
    assert (tmp_path / "out").read_text() == f"build {flags} -o {tmp_path / 'out'} .\n"


def test_long_build_reports_its_progress(go, program, tmp_path, reported):
    go("exec sleep 0.5", every=0.1).build(program, tmp_path / "out")

    assert reported[0] == "building an example (about a minute the first time)"
    assert len(reported) >= 3
    assert all(line.startswith(f"{reported[0]} ... ") for line in reported[1:])


def test_interrupted_build_leaves_no_compiler_behind(go, program, tmp_path):
    pid = tmp_path / "pid"

    def interrupt(line: str) -> None:
        if "..." in line and pid.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600", every=0.1, report=interrupt).build(
            program, tmp_path / "out"
        )

    assert start_time(int(pid.read_text())) is None


def test_entry_is_built_once_however_many_processes_ask(tmp_path, reported):
    built = []

    def make(target: Path) -> None:
        built.append(target)
        wait_until(lambda: bool(reported), 5)
        target.write_text("whole")

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(Store(tmp_path, reported.append).obtain, "kind", "key", make) for _ in range(2)]
        paths = {each.result() for each in asked}

    assert paths == {tmp_path / "kind" / "key"}
    assert len(built) == 1
    assert reported == ["waiting for another process that is building kind key"]


def test_failed_entry_is_absent_and_its_remains_do_not_affect_the_next(tmp_path, reported):
    store = Store(tmp_path, reported.append)

    def fail(target: Path) -> None:
        target.mkdir()
        (target / "half").write_text("half")
        raise BuildError("no")

    with pytest.raises(BuildError):
        store.obtain("kind", "key", fail)
    assert not store.entry("kind", "key").exists()

    def make(target: Path) -> None:
        target.mkdir()
        (target / "whole").write_text("whole")

    assert [path.name for path in store.obtain("kind", "key", make).iterdir()] == ["whole"]


def test_cache_is_in_the_directory_of_the_environment(monkeypatch):
    monkeypatch.delenv("EKS_CILIUM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/eks-cilium")
    monkeypatch.setenv("EKS_CILIUM_CACHE", "/chosen")
    assert default_cache() == Path("/chosen")


def test_module_with_other_content_is_refused(go, tmp_path):
    answer = json.dumps({"Dir": str(tmp_path), "Sum": "h1:other="})

    with pytest.raises(TamperedModuleError, match=r"1\.19\.7 has checksum h1:other="):
        Toolchain(tmp_path / "cache", print, go(f"echo '{answer}'")).chart("1.19.7")

    assert not list((tmp_path / "cache").glob("chart*/*"))


def test_failed_download_gives_the_reason(go, tmp_path):
    answer = json.dumps({"Error": "no route to the module proxy"})

    with pytest.raises(DownloadError, match=r"Cilium 1\.19\.7 .*: no route to the module proxy"):
        Toolchain(tmp_path, print, go(f"echo '{answer}'; exit 1")).crds("1.19.7")


def test_unknown_chart_version_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownVersionError, match=r"'1\.17\.0'; it has 1\.12\.4, .*1\.20\.2"):
        Toolchain(tmp_path, print).chart("1.17.0")


def test_every_supported_version_is_pinned():
    assert CILIUM_VERSIONS == TRIED
    assert all(value.startswith("h1:") for value in charts.SUMS.values())


def test_packaged_chart_has_the_same_bytes_every_time(tmp_path):
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: cilium\n")
    (chart / "templates" / "a.yaml").write_text("a\n")
    charts.package_chart(chart, tmp_path / "one.tgz")
    os.utime(chart / "Chart.yaml", (1, 1))
    charts.package_chart(chart, tmp_path / "two.tgz")

    assert (tmp_path / "one.tgz").read_bytes() == (tmp_path / "two.tgz").read_bytes()
    with tarfile.open(tmp_path / "one.tgz") as archive:
        assert archive.getnames() == ["cilium/Chart.yaml", "cilium/templates/a.yaml"]
