"""Write the key tree of Cilium charts, from which the keys of `cilium.values` are checked.

A developer runs it to serve a new Cilium release; the release also needs an entry in
`eks_cilium/cilium/versions.py`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from eks_cilium.cilium.keys.extraction import extract

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Write `<version>.txt` for each chart; without arguments only print the help."""
    parser = argparse.ArgumentParser(
        prog="python -m eks_cilium.cilium.keys",
        description="Write the key tree of each chart to <version>.txt.",
        epilog="Example: python -m eks_cilium.cilium.keys --write eks_cilium/cilium/keys unpacked/cilium",
    )
    parser.add_argument("charts", nargs="*", type=Path, metavar="CHART", help="folder of an unpacked chart")
    parser.add_argument(
        "--write", type=Path, default=_FOLDER, metavar="FOLDER", help="where to write (default: %(default)s)"
    )
    parsed = parser.parse_args(arguments)
    if not parsed.charts:
        parser.print_help()
    for chart in parsed.charts:
        _write(chart, parsed.write)
    return 0


def _write(chart: Path, folder: Path) -> None:
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
    keys = extract(chart)
    file = folder / f"{version}.txt"
    file.write_text("".join(f"{key}\n" for key in keys))
    print(f"{file}: {len(keys)} keys")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
