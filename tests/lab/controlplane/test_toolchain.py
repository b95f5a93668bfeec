"""Tools are built once, completely or not at all; a missing program is reported in one line.

The `go` command of these tests is a script that gives the compiler's answers.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from eks_cilium.cilium.versions import TRIED, minor
from lab.cluster.processes import start_time, wait_until
from lab.environment import ROOT
from lab.toolchain import (
    CILIUM_VERSIONS,
    ORACLE_VERSIONS,
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
from lab.toolchain.store import Report, Store

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
    assert go("").key(replace(program, tags=("older",))) != first
    assert go("").key(replace(program, requirements="older.mod")) != first
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


def test_a_program_is_built_with_another_dependency_by_its_tag(go, program, tmp_path):
    older = replace(program, variables={}, requirements="older.mod", tags=("older",))
    go('echo "$@" >"$9"').build(older, tmp_path / "out")

    flags = "-mod=readonly -buildvcs=false -modfile=older.mod -tags=older -ldflags -s -w"
    assert (tmp_path / "out").read_text() == f"build {flags} -o {tmp_path / 'out'} .\n"


def test_there_is_an_oracle_of_each_maintained_release_the_newest_first():
    assert list(ORACLE_VERSIONS) == [version for version in reversed(TRIED) if minor(version) >= (1, 18)]


def test_long_build_reports_its_progress(go, program, tmp_path, reported):
    go("exec sleep 0.5", every=0.1).build(program, tmp_path / "out")

    assert reported[0] == "building an example (about a minute the first time)"
    assert len(reported) >= 3
    assert all(line.startswith(f"{reported[0]} ... ") for line in reported[1:])


def test_packages_are_counted_while_they_are_compiled(go, program, reported):
    go("echo a >&2; echo b >&2; exec sleep 0.5", every=0.2).compile([program], "compiling")

    assert reported[:2] == ["compiling", "compiling ... 0s, 2 packages"]


def test_programs_are_linked_after_the_packages_of_clusters_were_compiled(go, tmp_path):
    script = f'echo "$@" >>{tmp_path}/calls; [ "$1" != build ] || : >"$7"'
    toolchain = Toolchain(tmp_path / "cache", print, go(script))

    toolchain.every_lab()

    compiled, linked, *others = (tmp_path / "calls").read_text().splitlines()
    assert compiled.startswith("list ")
    assert compiled.endswith("-export -v ./controlplane ./nodeplayer")
    assert linked.endswith(" ./nodeplayer")
    assert sorted(each.split()[-1] for each in others) == ["./controlplane", "helm.sh/helm/v3/cmd/helm"]


def test_clusters_do_not_wait_for_helm(go, tmp_path):
    script = f'echo "$@" >>{tmp_path}/calls; [ "$1" != build ] || : >"$7"'

    Toolchain(tmp_path / "cache", print, go(script)).clusters()

    assert "helm" not in (tmp_path / "calls").read_text()


def test_what_every_lab_runs_is_built_or_not(go, tmp_path):
    toolchain = Toolchain(tmp_path / "cache", print, go('[ "$1" != build ] || : >"$7"'))

    assert not toolchain.is_built()
    toolchain.every_lab()
    assert toolchain.is_built()


def test_the_command_line_needs_no_package_but_python_itself():
    # Isolated, with neither the packages of this environment nor the variables of the user.
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from lab.toolchain.__main__ import versions_of_the_lab; print(*versions_of_the_lab())"
    )
    asked = [os.path.realpath(sys.executable), "-I", "-S", "-c", code]

    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)

    assert said.stderr == ""
    assert said.stdout.split() == sorted(
        {str(version) for file in (ROOT / "lab" / "stacks").glob("*.yaml") if (version := cilium_of(file))}
    )


def cilium_of(file: Path) -> str | None:
    cilium = yaml.safe_load(file.read_text())["config"].get("eks-cilium:cilium")
    return cilium.get("version") if isinstance(cilium, dict) else None


def test_a_build_in_the_background_ends_with_the_process_that_wanted_it(tmp_path, go):
    pid = tmp_path / "pid"
    go(f"echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 600")
    owner = subprocess.Popen(["sleep", "600"])
    command = [sys.executable, "-m", "lab.toolchain", "--cache", str(tmp_path / "cache"), "lab"]
    environment = {**os.environ, "PATH": f"{tmp_path / 'path'}:{os.environ['PATH']}"}
    builder = subprocess.Popen([*command, "--beside", str(owner.pid)], cwd=ROOT, env=environment)
    wait_until(pid.exists, 20)

    owner.kill()
    owner.wait()

    assert builder.wait(20) == -signal.SIGKILL
    wait_until(lambda: start_time(int(pid.read_text())) is None, 5)


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

    def make(target: Path, report: Report) -> None:
        built.append(target)
        report("building kind ... 2s")
        wait_until(lambda: len(reported) >= 3, 5)
        target.write_text("whole")

    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(Store(tmp_path, reported.append).obtain, "kind", "key", make) for _ in range(2)]
        paths = {each.result() for each in asked}

    assert paths == {tmp_path / "kind" / "key"}
    assert len(built) == 1
    assert sorted(reported) == [
        "building kind ... 2s",  # of the process that builds
        "building kind ... 2s",  # and of the process that waits for it
        "waiting for another process that is building kind key",
    ]


def test_failed_entry_is_absent_and_its_remains_do_not_affect_the_next(tmp_path, reported):
    store = Store(tmp_path, reported.append)

    def fail(target: Path, _: Report) -> None:
        target.mkdir()
        (target / "half").write_text("half")
        raise BuildError("no")

    with pytest.raises(BuildError):
        store.obtain("kind", "key", fail)
    assert not store.entry("kind", "key").exists()

    def make(target: Path, _: Report) -> None:
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
