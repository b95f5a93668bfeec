"""Write `docs/configuration.md` from the model: `python -m settings`."""

from pathlib import Path

from settings.reference import reference

(Path(__file__).parent.parent / "docs" / "configuration.md").write_text(reference())
