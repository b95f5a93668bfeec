"""The programs and charts of the lab that are not Python, built on first use: control plane, Helm, charts.

Every method returns a path and builds the file first if it is not in the cache. Called by lab/cluster, the
lab's commands and the tests; `python -m lab.toolchain` does the same on the command line.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from . import charts, programs
from .errors import (
    BuildError,
    DownloadError,
    MissingToolError,
    TamperedModuleError,
    ToolchainError,
    UnknownVersionError,
)
from .golang import Go, Program
from .store import Report, Store, default_cache

__all__ = [
    "CILIUM_VERSIONS",
    "ORACLE_VERSIONS",
    "BuildError",
    "DownloadError",
    "MissingToolError",
    "TamperedModuleError",
    "Toolchain",
    "ToolchainError",
    "UnknownVersionError",
    "default_cache",
]

CILIUM_VERSIONS = tuple(charts.SUMS)
ORACLE_VERSIONS = tuple(programs.ORACLES)
"""Releases of Cilium with an oracle. `make tools` builds the first; tests of the others build theirs."""
_CALL_NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")


class Toolchain:
    """The tools in one cache directory; `report` gets a line whenever a build or download takes time."""

    def __init__(self, cache: Path, report: Report, go: Go | None = None) -> None:
        self._store = Store(cache, report)
        self._go = go or Go(report)

    def every_lab(self, versions: Iterable[str] = ()) -> None:
        """What every lab runs, and the charts and CRDs of Cilium versions; as much as possible at a time."""
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(each, version) for version in versions for each in (self.chart, self.crds)]
            self.node_player()  # compiles the control plane as well, which then only has to be linked
            asked += [pool.submit(self.control_plane), pool.submit(self.helm)]
        for each in asked:
            each.result()

    def clusters(self) -> None:
        """What the lab's clusters run: all but Helm, which a lab needs when its first stack is updated."""
        self.node_player()
        self.control_plane()

    def is_built(self) -> bool:
        """Whether what every lab runs is in the cache."""
        names = {"control-plane": programs.CONTROL_PLANE, "helm": programs.HELM}
        names["node-player"] = programs.NODE_PLAYER
        return all(self._store.entry(name, self._go.key(program)).exists() for name, program in names.items())

    def control_plane(self) -> Path:
        """One binary: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl."""
        return self._built("control-plane", programs.CONTROL_PLANE, other_names=_CALL_NAMES)

    def kubectl(self) -> Path:
        # The control plane's binary acts as kubectl under this name.
        return self.control_plane().with_name("kubectl")

    def node_player(self) -> Path:
        """The program that simulates kubelets and CNI agents."""
        return self._built("node-player", programs.NODE_PLAYER, programs.CLUSTERS)

    def oracle(self, version: str = ORACLE_VERSIONS[0]) -> Path:
        """The program that asks the policy engine of one of `ORACLE_VERSIONS` for verdicts."""
        return self._built("oracle", programs.ORACLES[version])

    def helm(self) -> Path:
        return self._built("helm", programs.HELM)

    def chart(self, version: str) -> Path:
        """`cilium-<version>.tgz`, in a directory that serves as a chart repository."""

        def make(target: Path, _: Report) -> None:
            charts.package_chart(self.chart_directory(version), target)

        return self._store.obtain("charts", f"cilium-{charts.known(version)}.tgz", make)

    def chart_directory(self, version: str) -> Path:
        def make(target: Path, report: Report) -> None:
            charts.copy_chart(charts.module(self._reporting(report), version), target)

        return self._store.obtain("chart-sources", charts.known(version), make)

    def crds(self, version: str) -> Path:
        """The CRDs of a Cilium version, in one folder per API version; its parent holds all versions."""

        def make(target: Path, report: Report) -> None:
            charts.copy_custom_resources(charts.module(self._reporting(report), version), target)

        return self._store.obtain("crds", charts.known(version), make)

    def _built(
        self,
        name: str,
        program: Program,
        compiled: tuple[Program, ...] = (),
        other_names: tuple[str, ...] = (),
    ) -> Path:
        """The file of a program; what `compiled` consist of is compiled before it is linked."""

        def make(target: Path, report: Report) -> None:
            go = self._reporting(report)
            if compiled:
                go.compile(compiled, programs.COMPILING)
            target.mkdir()
            go.build(program, target / name)
            for other in other_names:
                (target / other).symlink_to(name)

        return self._store.obtain(name, self._go.key(program), make) / name

    def _reporting(self, report: Report) -> Go:
        return replace(self._go, report=report)
