"""The Cilium charts and CRDs of the supported versions, taken from Cilium's own Go module.

The module of a release holds the chart as released (`install/kubernetes/cilium`) and the CRDs that its
operator registers. Its checksum is pinned here, so that a chart is the same on every machine.
"""

import gzip
import io
import shutil
import tarfile
from pathlib import Path

from .errors import TamperedModuleError, UnknownVersionError
from .golang import Go

MODULE = "github.com/cilium/cilium"
CHART = Path("install/kubernetes/cilium")
CUSTOM_RESOURCES = Path("pkg/k8s/apis/cilium.io/client/crds")
_API_VERSIONS = ("v2", "v2alpha1")
# Sources of values.yaml and README.md in the chart's own build; newer charts exclude them themselves.
_GENERATOR_INPUTS = (".tmpl", ".gotmpl")

SUMS = {
    "1.12.4": "h1:Hk0kr8zOkaIkLo0oKF57clTlCSLbwaO4leb68RcgckM=",
    "1.15.19": "h1:paLLN6chvDJiW9FB31c2KHdtFbkFB6QsVxgvLHN9XHs=",
    "1.16.19": "h1:t8UqCIzIeRuKOEZ9B5kj8usoVtjxMA1Z3dKVUMxozL0=",
    "1.17.15": "h1:Sf+MRwLolUQu8M6huRHSCGMUXXHTvHp1Sj21pAEMnME=",
    "1.18.11": "h1:8KV/ntPoZ6nRMW1l+AVbvkbvIHJhv2ZiBFJD5MEEthg=",
    "1.19.7": "h1:tB4VfNVhRRlUD1fnVrZN/qhDQnjluMRMcWLK8XDRS6w=",
    "1.20.2": "h1:dqiEGIcXc+gqCLYG/l7VCFJ8GHyb4HUrwbZOpkX5dL8=",
}


def known(version: str) -> str:
    if version not in SUMS:
        served = ", ".join(SUMS)
        raise UnknownVersionError(f"the lab has no Cilium chart of version {version!r}; it has {served}")
    return version


def module(go: Go, version: str) -> Path:
    """The directory of a Cilium release in Go's module cache, downloaded if needed and verified."""
    directory, found = go.download(MODULE, f"v{known(version)}", f"Cilium {version} (tens of megabytes)")
    if found != SUMS[version]:
        raise TamperedModuleError(f"Cilium {version} has checksum {found}, expected {SUMS[version]}")
    return directory


def copy_chart(source: Path, target: Path) -> None:
    for path in _chart_files(source):
        copy = target / path.relative_to(source / CHART)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)  # content only: files of the module cache are read-only


def package_chart(chart: Path, target: Path) -> None:
    # The archive of `helm package`, with the same bytes every time.
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for path in _chart_yaml_first(chart):
            _add(archive, f"cilium/{path.relative_to(chart)}", path.read_bytes())


def copy_custom_resources(source: Path, target: Path) -> None:
    # One folder per API version.
    for api_version in _API_VERSIONS:
        (target / api_version).mkdir(parents=True)
        for path in sorted((source / CUSTOM_RESOURCES / api_version).glob("*.yaml")):
            shutil.copyfile(path, target / api_version / path.name)


def _chart_files(source: Path) -> list[Path]:
    chart = source / CHART
    return sorted(
        path for path in chart.rglob("*") if path.is_file() and path.suffix not in _GENERATOR_INPUTS
    )


def _chart_yaml_first(chart: Path) -> list[Path]:
    files = (path for path in chart.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: (path != chart / "Chart.yaml", path))


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o644
    archive.addfile(entry, io.BytesIO(content))
