"""Generators of stored data print their help instead of writing files where no file is named."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from eks_cilium.cilium.crds.__main__ import main as write_schemas
from eks_cilium.cilium.keys.__main__ import main as write_keys
from eks_cilium.settings.reference import main as write_reference

pytestmark = pytest.mark.unit

Main = Callable[[Sequence[str]], int]
GENERATORS = pytest.mark.parametrize("main", [write_schemas, write_keys, write_reference])


@GENERATORS
def test_without_arguments_only_the_help_is_printed(
    main: Main, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Path, "write_text", lambda *_: pytest.fail("a file was written"))

    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: python -m eks_cilium.")


@GENERATORS
def test_help_is_printed_when_asked_for(main: Main, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    assert end.value.code == 0
    assert "Example: python -m eks_cilium." in capsys.readouterr().out


def test_the_reference_is_written_to_the_file_that_is_named(tmp_path: Path):
    page = tmp_path / "configuration.md"

    assert write_reference(["--write", str(page)]) == 0
    assert page.read_text().startswith("# Configuration\n")


def test_the_keys_of_a_chart_are_written_to_the_folder_that_is_named(tmp_path: Path):
    chart = tmp_path / "cilium"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("version: 1.2.3\n")
    (chart / "values.yaml").write_text("hubble:\n  enabled: true\n")

    assert write_keys([str(chart), "--write", str(tmp_path)]) == 0
    assert (tmp_path / "1.2.3.txt").read_text() == "hubble.enabled\n"


def test_a_release_without_its_folder_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        write_schemas(["1.19.6"])

    assert "'1.19.6' is not VERSION=FOLDER" in capsys.readouterr().err
