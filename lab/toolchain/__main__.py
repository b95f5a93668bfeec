"""The command line of the toolchain: builds tools, fetches charts, or lists the cache.

`python -m lab.toolchain` lists the cache; `build node-player control-plane kubectl helm oracle` builds;
`lab` builds what every lab runs, with the chart that the lab's stack files name; `chart 1.19.7` packages
charts; `release 1.19.8` brings a new patch of a served minor into this checkout.

All but `release` need nothing but Python itself: `make demo` calls `lab` before it installs packages.
"""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread

from . import CILIUM_VERSIONS, Toolchain, ToolchainError, default_cache
from .golang import Go

_NICENESS = 5
_STACKS = Path(__file__).parents[1] / "stacks"
_CILIUM_VERSION = re.compile(r"^  eks-cilium:cilium:\n(?:    .*\n)*?    version: (\S+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    toolchain = Toolchain(asked.cache, _progress)
    try:
        if asked.command == "build":
            _print_paths([_builders(toolchain)[name] for name in asked.tools])
        elif asked.command == "chart":
            _print_paths([partial(toolchain.chart, version) for version in asked.versions])
        elif asked.command == "lab":
            if asked.beside:
                _in_the_background_of(asked.beside)
                toolchain = Toolchain(asked.cache, _progress, Go(_progress, every=2, own_session=False))
            toolchain.every_lab(versions_of_the_lab())
        elif asked.command == "release":
            from .new_release import NewRelease  # noqa: PLC0415 - needs the program's packages, the rest none

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
    lab = commands.add_parser("lab", help="build what every lab runs")
    lab.add_argument("--beside", type=int, metavar="PID", help="in the background of this process")
    chart = commands.add_parser("chart", help="package Cilium charts")
    release = commands.add_parser("release", help="bring a new Cilium release into this checkout")
    release.add_argument("version", metavar="VERSION", help="such as 1.19.8")
    chart.add_argument("versions", nargs="+", metavar="VERSION", help=", ".join(CILIUM_VERSIONS))
    return parser


def versions_of_the_lab() -> list[str]:
    """The Cilium versions in the lab's stack files."""
    files = _STACKS.glob("*.yaml")
    return sorted({version for file in files for version in _CILIUM_VERSION.findall(file.read_text())})


def _in_the_background_of(process: int) -> None:
    """Let it go first, and end with all children when it ends: a Ctrl-C of a terminal reaches it alone."""
    os.setpgid(0, 0)
    os.nice(_NICENESS)

    def watch() -> None:
        while Path(f"/proc/{process}").exists():
            time.sleep(1)
        os.killpg(0, signal.SIGKILL)

    Thread(target=watch, daemon=True).start()


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
