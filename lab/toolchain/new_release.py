"""Brings a new Cilium release in: checksum, chart keys and policy schemas replace those of the older patch.

`python -m lab.toolchain release 1.19.8` calls it; CONTRIBUTING.md says what to look at afterwards. A release
of a minor that is not served yet needs an entry in `eks_cilium/cilium/versions.py` first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eks_cilium.cilium import crds, keys
from eks_cilium.cilium.crds.extraction import extract as extract_schema
from eks_cilium.cilium.keys.extraction import extract as extract_keys
from eks_cilium.cilium.versions import SERVED, is_served, tried

from . import charts
from .errors import UnknownVersionError
from .golang import Go

ROOT = Path(__file__).parents[2]
_FILES_WITH_THE_VERSION = ("eks_cilium/cilium/versions.py", "lab/toolchain/charts.py")


@dataclass(frozen=True)
class NewRelease:
    """A release to bring in, and the checkout that is changed."""

    version: str
    root: Path = ROOT

    def bring_in(self, go: Go) -> list[Path]:
        """Change the checkout; returns the changed files. Raises UnknownVersionError for another minor."""
        if not is_served(self.version):
            raise UnknownVersionError(f"Cilium {self.version} is not served: {SERVED}")
        source, found = go.download(charts.MODULE, f"v{self.version}", f"Cilium {self.version}")
        before = tried(self.version)
        changed = [self._write(name, before, found) for name in _FILES_WITH_THE_VERSION]
        chart = source / charts.CHART
        changed.append(self._data(keys.file_of, lambda file: keys.write(file, extract_keys(chart))))
        schemas = source / charts.CUSTOM_RESOURCES / "v2"
        changed.append(self._data(crds.file_of, lambda file: crds.write(file, extract_schema(schemas))))
        return changed

    def _write(self, name: str, before: str, checksum: str) -> Path:
        """Replace the older patch in a source file, with its checksum where the file has it."""
        file = self.root / name
        text = file.read_text().replace(f'"{before}"', f'"{self.version}"')
        known = charts.SUMS.get(before)
        file.write_text(text.replace(known, checksum) if known else text)
        return file

    def _data(self, file_of: Callable[[str], Path], write: Callable[[Path], None]) -> Path:
        file = self.root / file_of(self.version).relative_to(ROOT)
        write(file)
        return file
