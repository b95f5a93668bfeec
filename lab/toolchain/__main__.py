"""The command line of the toolchain: builds tools, fetches charts, or lists the cache.

`python -m lab.toolchain` lists the cache; `build control-plane kubectl helm node-player oracle` builds;
`chart 1.19.7` packages charts; `release 1.19.8` brings a new patch of a served minor into this checkout.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import CILIUM_VERSIONS, Toolchain, ToolchainError, default_cache
from .golang import Go
from .new_release import NewRelease


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    toolchain = Toolchain(asked.cache, _progress)
    try:
        if asked.command == "build":
            _print_paths([_builders(toolchain)[name] for name in asked.tools])
        elif asked.command == "chart":
            _print_paths([partial(toolchain.chart, version) for version in asked.versions])
        elif asked.command == "release":
            print(*NewRelease(asked.version).bring_in(Go(_progress)), sep="\n")
        else:
            _list(asked.cache)
    except ToolchainError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.toolchain", description=__doc__)
    parser.add_argument("--cache", type=Path, default=default_cache(), help="default: %(default)s")
    commands = parser.add_subparsers(dest="command")
    build = commands.add_parser("build", help="build tools")
    build.add_argument(
        "tools", nargs="+", choices=["control-plane", "kubectl", "helm", "node-player", "oracle"]
    )
    chart = commands.add_parser("chart", help="package Cilium charts")
    release = commands.add_parser("release", help="bring a new Cilium release into this checkout")
    release.add_argument("version", metavar="VERSION", help="such as 1.19.8")
    chart.add_argument("versions", nargs="+", metavar="VERSION", help=", ".join(CILIUM_VERSIONS))
    return parser


def _builders(toolchain: Toolchain) -> dict[str, Callable[[], Path]]:
    return {
        "control-plane": toolchain.control_plane,
        "kubectl": toolchain.kubectl,
        "helm": toolchain.helm,
        "node-player": toolchain.node_player,
        "oracle": toolchain.oracle,
    }


def _print_paths(makers: list[Callable[[], Path]]) -> None:
    for make in makers:
        print(make())


def _list(cache: Path) -> None:
    print(cache)
    for path in sorted(cache.glob("*/*")):
        if path.parent.name != "locks":
            print(f"  {path.relative_to(cache)}  {_megabytes(path):.1f} MB")


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if not file.is_symlink()]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
