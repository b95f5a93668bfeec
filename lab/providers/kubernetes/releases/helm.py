"""Runs Helm: charts, and the releases of one cluster.

Values go in through stdin and the kubeconfig through a private file that lives as long as the command, so
neither shows in a process list or stays on disk. Helm is `EKS_CILIUM_HELM` when set, else `helm` on PATH.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from eks_cilium.clients.kubeconfig import Access
from lab.providers.errors import RefusedError, UnavailableError
from lab.providers.values import Properties

BINARY = "EKS_CILIUM_HELM"
POLL_SECONDS = 1.0
NOT_FOUND = "release: not found"


class HelmMissingError(RefusedError):
    """Helm is not installed on this machine."""

    def __init__(self) -> None:
        super().__init__(f"helm is not on PATH; install Helm 3 or set {BINARY} to the path of its binary")


class HelmError(RefusedError):
    """Helm failed; the message is the last line that it wrote."""


class NoReleaseError(HelmError):
    """There is no release of that name."""


@dataclass(frozen=True)
class Target:
    """A release, and its chart as arguments of Helm."""

    namespace: str
    name: str
    chart: Sequence[str]


@dataclass(frozen=True)
class LiveRelease:
    """A release as Helm keeps it in the cluster."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    version: str
    app_version: str
    values: Properties
    manifest: str


class Waiter(Protocol):
    """Called about once a second while Helm works."""

    def __call__(self) -> None:
        """Report progress, and let a second pass."""


def no_waiting() -> None:
    """For commands that answer at once."""


class Helm:
    """Helm without a cluster: reads charts."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment

    def chart_version(self, chart: Sequence[str]) -> str:
        """The version of the chart that these arguments name, with a version constraint resolved."""
        metadata = yaml.safe_load(self.run(["show", "chart", *chart]))
        return str(metadata["version"])

    def run(
        self, arguments: Sequence[str], values: Properties | None = None, wait: Waiter | None = None
    ) -> str:
        """What Helm prints; `HelmError` when it fails."""
        process = subprocess.Popen(
            [self._binary(), *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C in the terminal is for the engine, which lets us finish
        )
        stdin = None if values is None else json.dumps(values)
        output, errors = _communicate(process, stdin, wait)
        if process.returncode != 0:
            raise _failure(errors)
        return output

    def _binary(self) -> str:
        binary = self._environment.get(BINARY) or shutil.which("helm", path=self._environment.get("PATH"))
        if not binary:
            raise HelmMissingError
        return binary


class Releases:
    """The Helm releases of one cluster."""

    def __init__(self, helm: Helm, access: Access) -> None:
        self._helm = helm
        self._access = access

    def install(self, target: Target, values: Properties, wait: Waiter, flags: Sequence[str]) -> LiveRelease:
        return self._change("install", target, values, wait, flags)

    def upgrade(self, target: Target, values: Properties, wait: Waiter, flags: Sequence[str]) -> LiveRelease:
        return self._change("upgrade", target, values, wait, flags)

    def uninstall(self, namespace: str, name: str, wait: Waiter, flags: Sequence[str]) -> None:
        """Remove the release and its objects; a release that does not exist is no error."""
        self._run(["uninstall", name, "--ignore-not-found", *flags], namespace, None, wait)

    def find(self, namespace: str, name: str) -> LiveRelease | None:
        try:
            status = json.loads(self._run(["status", name, "--output", "json"], namespace))
            metadata = json.loads(self._run(["get", "metadata", name, "--output", "json"], namespace))
        except NoReleaseError:
            return None
        return _live(status, metadata)

    def _change(
        self, verb: str, target: Target, values: Properties, wait: Waiter, flags: Sequence[str]
    ) -> LiveRelease:
        """The new revision. Helm's answer holds all of it, so nothing is asked again."""
        arguments = [verb, target.name, *target.chart, *flags, "--values", "-", "--output", "json"]
        release = json.loads(self._run(arguments, target.namespace, values, wait))
        described = release["chart"]["metadata"]
        return _live(release, {**described, "chart": described["name"]})

    def _run(
        self,
        arguments: Sequence[str],
        namespace: str,
        values: Properties | None = None,
        wait: Waiter | None = None,
    ) -> str:
        with _private_file(self._access.document()) as kubeconfig:
            options = ["--kubeconfig", str(kubeconfig), "--namespace", namespace]
            return self._helm.run([*arguments, *options], values, wait)


@contextmanager
def _private_file(content: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="helm-") as directory:
        path = Path(directory, "kubeconfig")
        path.touch(mode=0o600)
        path.write_text(content)
        yield path


def _communicate(process: "subprocess.Popen[str]", stdin: str | None, wait: Waiter | None) -> tuple[str, str]:
    """As `Popen.communicate`, with a call of `wait` every second."""
    while True:
        try:
            return process.communicate(stdin, timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            stdin = None  # it was taken over by the first call
            (wait or no_waiting)()


def _live(release: Mapping[str, Any], chart: Mapping[str, Any]) -> LiveRelease:
    return LiveRelease(
        name=release["name"],
        namespace=release["namespace"],
        revision=release["version"],
        status=release["info"]["status"],
        chart=chart["chart"],
        version=chart["version"],
        app_version=chart.get("appVersion", ""),
        values=release.get("config") or {},
        manifest=release.get("manifest") or "",
    )


def _failure(errors: str) -> HelmError | UnavailableError:
    """Helm's last word, without its warnings before it."""
    lines = [line for line in errors.strip().splitlines() if not line.startswith(("WARNING:", "W", "I"))]
    text = "\n".join(lines).removeprefix("Error: ").strip() or "helm failed and did not say why"
    if NOT_FOUND in text:
        return NoReleaseError(text)
    return UnavailableError(text) if "Kubernetes cluster unreachable" in text else HelmError(text)


def resource_names(manifest: str) -> dict[str, Any]:
    """The names in a rendered manifest by kind: `{"ConfigMap/v1": ["kube-system/cilium-config"]}`."""
    names: dict[str, set[str]] = {}
    for document in yaml.load_all(manifest, Loader=_Loader):  # a safe loader
        if isinstance(document, dict) and document.get("kind"):
            metadata = document.get("metadata") or {}
            name = "/".join(filter(None, (metadata.get("namespace"), metadata.get("name"))))
            names.setdefault(_kind_key(document), set()).add(name)
    return {key: sorted(found) for key, found in names.items()}


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _kind_key(document: Mapping[str, Any]) -> str:
    """`Kind.group/group/version`, the way the official provider groups them."""
    api_version = str(document["apiVersion"])
    group, _, _ = api_version.rpartition("/")
    kind = f"{document['kind']}.{group}" if group else str(document["kind"])
    return f"{kind}/{api_version}"
