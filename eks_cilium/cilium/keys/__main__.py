"""Write the key tree of charts: `python -m eks_cilium.cilium.keys DIRECTORY ...`, each an unpacked chart.

To serve a new Cilium version: unpack its chart, run this, add the version to `eks_cilium/cilium/versions.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from eks_cilium.cilium.keys.extraction import extract


def main() -> None:
    """Write `<version>.txt` beside this file for each chart."""
    for argument in sys.argv[1:]:
        chart = Path(argument)
        version = yaml.safe_load((chart / "Chart.yaml").read_text())["version"]
        file = Path(__file__).parent / f"{version}.txt"
        keys = extract(chart)
        file.write_text("".join(f"{key}\n" for key in keys))
        print(f"{file.name}: {len(keys)} keys")


main()
