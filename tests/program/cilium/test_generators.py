"""The generator of the reference prints its help instead of writing files where no file is named."""

from pathlib import Path

import pytest

from eks_cilium.settings.reference import main

pytestmark = pytest.mark.unit


def test_without_arguments_only_the_help_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Path, "write_text", lambda *_: pytest.fail("a file was written"))

    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: python -m eks_cilium.")


def test_help_is_printed_when_asked_for(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    assert end.value.code == 0
    assert "Example: python -m eks_cilium." in capsys.readouterr().out


def test_the_reference_is_written_to_the_file_that_is_named(tmp_path: Path):
    page = tmp_path / "configuration.md"

    assert main(["--write", str(page)]) == 0
    assert page.read_text().startswith("# Configuration\n")
