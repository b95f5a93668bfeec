"""Write the schemas of Cilium's policies, by which policies of a stack are checked before they are applied.

A developer runs it to serve a new Cilium release; the release also needs an entry in
`eks_cilium/cilium/versions.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from eks_cilium.cilium.crds.extraction import extract

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).parent


def main(arguments: Sequence[str]) -> int:
    """Write `<version>.json` for each release; without arguments only print the help."""
    parser = argparse.ArgumentParser(
        prog="python -m eks_cilium.cilium.crds",
        description="Write the policy schemas of each Cilium release to <version>.json.",
        epilog="Example: python -m eks_cilium.cilium.crds 1.19.6=pkg/k8s/apis/cilium.io/client/crds/v2",
    )
    parser.add_argument(
        "releases",
        nargs="*",
        type=_release,
        metavar="VERSION=FOLDER",
        help="a version, and the folder pkg/k8s/apis/cilium.io/client/crds/v2 of Cilium's source",
    )
    parser.add_argument(
        "--write", type=Path, default=_FOLDER, metavar="FOLDER", help="where to write (default: %(default)s)"
    )
    parsed = parser.parse_args(arguments)
    if not parsed.releases:
        parser.print_help()
    for version, source in parsed.releases:
        _write(version, source, parsed.write)
    return 0


def _release(text: str) -> tuple[str, Path]:
    version, separator, folder = text.partition("=")
    if not (version and separator and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not VERSION=FOLDER")
    return version, Path(folder)


def _write(version: str, source: Path, folder: Path) -> None:
    text = json.dumps(extract(source), indent=1, sort_keys=True) + "\n"
    file = folder / f"{version}.json"
    file.write_text(text)
    print(f"{file}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
