"""The real pulumi-kubernetes, where it is on PATH, answers as the lab's emulation does, on a real API server.

Both providers live through the same history of the same resources, call by call as an engine makes them:
check, preview, create, changes in the program and in the cluster, refresh, update, delete.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab.cluster import ControlPlane
from lab.providers.kubernetes.objects.manifests import INPUTS
from lab.providers.values import Secret
from lab.toolchain import Toolchain
from tests.lab.providers.provider_process import Connection, ProviderProcess, StateEntry
from tests.lab.providers.recording_engine import listening
from tests.parity import Allowed, assert_same

from .charts import ChartFolder
from .kubectl import Kubectl

PLUGIN = shutil.which("pulumi-resource-kubernetes")
pytestmark = [
    pytest.mark.control_plane,
    pytest.mark.skipif(PLUGIN is None, reason="pulumi-resource-kubernetes is not on PATH"),
]

RELEASE = "kubernetes:helm.sh/v3:Release"
CHANCE = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"}
"""What the API server makes up."""

Object = dict[str, Any]
RELEASES = [
    Allowed(r".*\btakeOwnership", "an input of newer plugins, as the one that the lab emulates", always=False)
]


@dataclass
class Providers:
    """Both providers, each in a namespace of its own."""

    emulated: Connection
    real: Connection
    kubectl: Kubectl

    def compared(self, name: str, history: Callable[["Life"], None]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let both live through a history, and return what each answered, by step."""
        answers = []
        for kind, connection in (("emulated", self.emulated), ("real", self.real)):
            life = Life(connection, self.kubectl, f"{kind}-{name}")
            self.kubectl("create", "namespace", life.namespace)
            history(life)
            answers.append(masked(life.answers, life.namespace))
        return answers[0], answers[1]


@dataclass
class Life:
    """One provider and what it answered so far."""

    connection: Connection
    kubectl: Kubectl
    namespace: str

    def __post_init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.entry = StateEntry("", "", "", {})

    def create(self, token: str, inputs: dict[str, Any]) -> None:
        self.answers["check"] = self.connection.checked(token, "r", inputs)
        self.answers["preview"] = self.connection.preview(token, "r", inputs)
        self._keep("created", self.connection.create(token, "r", inputs))

    def diff(self, step: str, inputs: dict[str, Any]) -> None:
        answer = self.connection.diff(self.entry, inputs)
        self.answers[step] = {
            "changes": answer.changes,
            "detailed": {
                path: {"kind": change.kind, "inputDiff": change.inputDiff}
                for path, change in answer.detailedDiff.items()
            },
            "deleteBeforeReplace": answer.deleteBeforeReplace,
        }

    def update(self, inputs: dict[str, Any]) -> None:
        self._keep("updated", self.connection.update(self.entry, inputs))

    def refresh(self, step: str) -> None:
        found = self.connection.read(self.entry)
        assert found is not None
        self._keep(step, found)

    def delete(self) -> None:
        self.connection.delete(self.entry)
        self.answers["after its deletion"] = self.connection.read(self.entry)

    def _keep(self, step: str, entry: StateEntry) -> None:
        # As an engine does: the plugin keeps the inputs as a secret, and fails where they come back as none.
        secret = {INPUTS: Secret(entry.properties[INPUTS])}
        self.entry = replace(entry, properties={**entry.properties, **secret})
        self.answers[step] = {"id": entry.id, "inputs": entry.inputs, "properties": entry.properties}


@pytest.fixture(scope="module")
def providers(control_plane: ControlPlane, toolchain: Toolchain, kubectl: Kubectl) -> Iterator[Providers]:
    kubeconfig = Path(control_plane.admin_kubeconfig).read_text()
    environment = {"EKS_CILIUM_HELM": str(toolchain.helm()), "PULUMI_K8S_CLIENT_QPS": ""}
    with listening() as (address, _, _):
        processes = [
            ProviderProcess("kubernetes", environment, address),
            ProviderProcess("kubernetes", environment, address, plugin=PLUGIN),
        ]
        emulated, real = (
            process.connect().configure({"kubeconfig": kubeconfig}, "kubernetes") for process in processes
        )
        yield Providers(emulated, real, kubectl)
        for process in processes:
            process.stop()


@pytest.fixture
def helm(toolchain: Toolchain, control_plane: ControlPlane) -> Callable[..., str]:
    """Helm as a user runs it outside of the program."""

    def run(*arguments: str) -> str:
        command = [str(toolchain.helm()), "--kubeconfig", str(control_plane.admin_kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


def masked(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {key: masked(each, namespace) for key, each in value.items() if key not in CHANCE}
    if isinstance(value, list):
        return [masked(each, namespace) for each in value]
    if isinstance(value, str):
        return re.sub(r"pulumi-kubernetes-[0-9a-f]{8}", "MANAGER", value.replace(namespace, "NAMESPACE"))
    return value


def test_a_release_is_installed_changed_by_others_refreshed_and_upgraded(
    providers: Providers, chart: ChartFolder, helm: Callable[..., str]
) -> None:
    path = chart.make("1.0.0")

    def history(life: Life) -> None:
        def inputs(**values: Any) -> dict[str, Any]:
            given = {"name": "tiny", "namespace": life.namespace, "skipAwait": True, "maxHistory": 3}
            return {"compat": "true", "chart": path, "values": values, **given}

        first = inputs(colour="blue", deep={"a": 1, "b": [1, 2]})
        life.create(RELEASE, first)
        life.diff("nothing changed", first)
        life.diff("all kinds of changes", inputs(deep={"a": 2, "b": [1], "c": True}, more={"x": "y"}))
        life.diff("another name", {**first, "name": "other"})
        helm("upgrade", "tiny", path, "--namespace", life.namespace, "--reuse-values", "--set", "colour=red")
        life.refresh("changed by others")
        life.diff("after a change by others", first)
        life.update(inputs(colour="green", deep={"a": 1}))
        life.diff("after the update", inputs(colour="green", deep={"a": 1}))
        life.delete()

    assert_same(*providers.compared("release", history), RELEASES)


OBJECTS: dict[str, tuple[str, Object, Object]] = {
    "Secret of a certificate": (
        "kubernetes:core/v1:Secret",
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "c", "tls.key": "k"}},
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "d", "tls.key": "k"}},
    ),
    "ConfigMap": (
        "kubernetes:core/v1:ConfigMap",
        {"data": {"same": "1", "changed": "1", "gone": "1"}},
        {"data": {"same": "1", "changed": "2", "new": "1"}},
    ),
    "custom object with specs": (
        "kubernetes:parity.lab.test/v1:Gadget",
        {"specs": [{"size": 1, "labels": {"a": "b"}}, {"size": 2}]},
        {"specs": [{"size": 3, "labels": {"a": "c"}}]},
    ),
}
"""The kinds of objects that the program creates: their token, their fields, and the fields of an update."""

GADGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.parity.lab.test"},
    "spec": {
        "group": "parity.lab.test",
        "scope": "Namespaced",
        "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_created_changed_by_others_refreshed_and_updated(
    providers: Providers, kubectl: Kubectl, name: str
) -> None:
    token, fields, changed = OBJECTS[name]
    kubectl("apply", "-f", "-", stdin=json.dumps(GADGETS))
    kubectl("wait", "--for=condition=Established", "crd/gadgets.parity.lab.test", "--timeout=30s")
    api_version, kind = token.removeprefix("kubernetes:").removeprefix("core/").split(":")

    def history(life: Life) -> None:
        metadata = {"name": "x", "namespace": life.namespace, "labels": {"app": "lab"}}
        known = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        life.create(token, {**known, **fields})
        life.diff("nothing changed", {**known, **fields})
        life.diff("changed", {**known, **changed})
        life.diff("another name", {**known, **fields, "metadata": {**metadata, "name": "y"}})
        kubectl.merge(
            kind.lower(), "x", life.namespace, {"metadata": {"labels": {"app": "others", "by": "o"}}}
        )
        life.refresh("changed by others")
        life.diff("after a change by others", {**known, **fields})
        taken_over = {**known, **changed, "metadata": {**metadata, "labels": {"app": "others"}}}
        life.update(taken_over)
        life.diff("after the update", taken_over)
        life.delete()

    assert_same(*providers.compared(name.partition(" ")[0].lower(), history))
