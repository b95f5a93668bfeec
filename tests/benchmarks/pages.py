"""Pages of the documentation that have a measured table between two markers."""

from pathlib import Path


def replaced(page: Path, begin: str, end: str, text: str) -> None:
    """Write the page with another text between its two markers."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
