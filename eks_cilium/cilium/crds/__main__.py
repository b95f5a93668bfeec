"""Write the schemas of policies: `python -m eks_cilium.cilium.crds VERSION=DIRECTORY ...`.

Each directory is a release's `pkg/k8s/apis/cilium.io/client/crds/v2`. To serve a new Cilium version: run
this, add the version to `eks_cilium/cilium/versions.py`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from eks_cilium.cilium.crds.extraction import extract


def main() -> None:
    """Write `<version>.json` beside this file for each release."""
    for argument in sys.argv[1:]:
        version, _, directory = argument.partition("=")
        file = Path(__file__).parent / f"{version}.json"
        file.write_text(json.dumps(extract(Path(directory)), indent=1, sort_keys=True) + "\n")
        print(f"{file.name}: {len(file.read_text().splitlines())} lines")


main()
