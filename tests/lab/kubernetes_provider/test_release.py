"""Helm releases by real Helm on a real API server; no pods run here, so waiting for pods never ends."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from lab.providers.errors import InitializationFailedError, UnavailableError
from lab.providers.kubernetes.package import KubernetesPackage
from lab.providers.kubernetes.releases.helm import HelmError, HelmMissingError
from lab.providers.kubernetes.releases.release import TOKEN
from lab.providers.resource import Failure
from lab.providers.values import UNKNOWN, Unknown

from .program import Program, changed, over_the_wire, replaced

pytestmark = pytest.mark.control_plane


@pytest.fixture
def helm(toolchain, control_plane):
    """Helm as a user runs it outside of the program."""

    def run(*arguments):
        command = [str(toolchain.helm()), "--kubeconfig", str(control_plane.admin_kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


def release(chart, namespace, **inputs):
    return {"compat": "true", "chart": chart, "name": "tiny", "namespace": namespace, "timeout": 60, **inputs}


def revisions(helm, namespace):
    return [entry["revision"] for entry in json.loads(helm("history", "tiny", "-n", namespace, "-o", "json"))]


class TestLife:
    def test_release_is_installed_and_second_preview_is_empty(self, program, kubectl, chart, namespace):
        inputs = release(chart.make("1.0.0"), namespace, values={"colour": "blue"})
        created = program.create(TOKEN, "tiny", inputs)

        assert created.identifier == f"{namespace}/tiny"
        assert created.properties["status"] == {
            "appVersion": "app-1.0.0",
            "chart": "tiny",
            "name": "tiny",
            "namespace": namespace,
            "revision": 1,
            "status": "deployed",
            "version": "1.0.0",
        }
        assert created.properties["resourceNames"] == {"ConfigMap/v1": ["tiny-config"]}
        assert created.properties["__inputs"] == created.inputs
        assert kubectl.get("configmap", "tiny-config", namespace)["data"]["colour"] == "blue"
        assert not program.plan(created, inputs).changes

    def test_inputs_are_spelled_out_as_the_official_provider_does(self, program, chart):
        checked = program.checked(
            TOKEN, "tiny", {"chart": chart.make("1.2.3"), "compat": "true", "version": ">=1"}
        )

        assert checked["version"] == "1.2.3", "a constraint becomes the version it means"
        assert checked["namespace"] == "default"
        assert checked["name"].startswith("tiny-")
        assert checked["timeout"] == 300
        assert checked["values"] == {}
        assert checked["description"] == ""
        assert checked["atomic"] is False
        assert "compat" not in checked
        assert program.checked(TOKEN, "tiny", {"chart": checked["chart"], "skipAwait": True})["timeout"] == 0

    def test_another_chart_version_is_exactly_one_update_of_version(
        self, program, kubectl, helm, chart, namespace
    ):
        created = program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))
        newer = release(chart.make("2.0.0"), namespace)

        difference = program.plan(created, newer)
        assert changed(difference) == {"version"}
        assert not replaced(difference)
        updated = program.update(created, newer)

        assert updated.properties["status"]["revision"] == 2
        assert kubectl.get("configmap", "tiny-config", namespace)["data"]["version"] == "2.0.0"
        assert revisions(helm, namespace) == [1, 2]
        assert not program.plan(updated, newer).changes

    def test_changed_and_dropped_values_are_shown_by_path(self, program, kubectl, chart, namespace):
        path = chart.make("1.0.0")
        created = program.create(
            TOKEN, "tiny", release(path, namespace, values={"colour": "blue", "deep": {"a": 1, "b": 2}})
        )
        news = release(path, namespace, values={"deep": {"a": 3, "b": 2}})

        assert changed(program.plan(created, news)) == {"values.colour", "values.deep.a"}
        program.update(created, news)
        assert kubectl.get("configmap", "tiny-config", namespace)["data"]["colour"] == "red"

    @pytest.mark.parametrize("given", [({"mode": None}, "never"), ({}, "default")])
    def test_an_upgrade_leaves_alone_what_null_took_out_of_the_values(
        self, program, kubectl, chart, namespace, given
    ):
        """Helm's three-way merge; what a value or default states is written again."""
        (values, left), path = given, chart.make("1.0.0")
        inputs = release(path, namespace, values=values)
        created = program.create(TOKEN, "tiny", inputs)
        kubectl.merge("configmap", "tiny-config", namespace, {"data": {"mode": "never"}})

        program.update(created, release(path, namespace, values={**values, "colour": "blue"}))

        assert kubectl.get("configmap", "tiny-config", namespace)["data"]["mode"] == left
        assert not program.plan(created, inputs).changes

    def test_another_name_is_another_release(self, program, chart, namespace):
        created = program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))

        assert replaced(program.plan(created, release(chart.make("1.0.0"), namespace, name="other"))) == {
            "name"
        }
        assert replaced(program.plan(created, release(chart.make("1.0.0"), "elsewhere"))) == {"namespace"}

    def test_preview_leaves_open_what_helm_decides(self, program, kubectl, chart, namespace):
        foreseen = program.foresee(
            TOKEN, "tiny", release(chart.make("1.0.0"), namespace, values={"colour": UNKNOWN})
        )

        assert isinstance(foreseen["status"], Unknown)
        assert isinstance(foreseen["resourceNames"], Unknown)
        assert isinstance(foreseen["values"]["colour"], Unknown)
        assert kubectl.get("configmap", "tiny-config", namespace) is None

    def test_namespace_is_created_on_request(self, program, kubectl, chart):
        program.create(TOKEN, "tiny", release(chart.make("1.0.0"), "made-by-helm", createNamespace=True))

        assert kubectl.get("namespace", "made-by-helm") is not None

    def test_uninstall_leaves_nothing_and_may_be_repeated(self, program, kubectl, chart, namespace):
        created = program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))

        program.delete(created)
        program.delete(created)

        assert kubectl.get("configmap", "tiny-config", namespace) is None
        assert program.refresh(created) is None


class TestWaiting:
    def test_release_without_waiting_installs_though_no_node_exists(self, program, kubectl, chart, namespace):
        inputs = release(chart.make("1.0.0"), namespace, values={"workload": True}, skipAwait=True)
        created = program.create(TOKEN, "tiny", inputs)

        assert created.properties["status"]["status"] == "deployed"
        assert kubectl.get("deployment", "tiny-web", namespace)["spec"]["replicas"] == 1

    def test_release_that_never_gets_ready_is_saved_as_failed_and_can_be_mended(
        self, program, helm, chart, namespace
    ):
        broken = release(chart.make("1.0.0"), namespace, values={"workload": True}, timeout=3)

        with pytest.raises(InitializationFailedError, match="is failed:") as failure:
            program.create(TOKEN, "tiny", broken)

        assert failure.value.identifier == f"{namespace}/tiny"
        assert failure.value.properties["status"]["status"] == "failed"
        assert any("Deployment tiny-web: 0 of 1 replicas ready" in line for line in program.lines)
        program.instance.resource(TOKEN).update(
            program.operation(TOKEN, "tiny"),
            failure.value.identifier,
            {},
            over_the_wire(failure.value.properties),
            program.checked(
                TOKEN, "tiny", release(chart.make("1.0.0"), namespace, values={"workload": False})
            ),
            preview=False,
        )
        assert revisions(helm, namespace) == [1, 2]

    def test_atomic_release_that_fails_first_leaves_nothing(self, program, kubectl, helm, chart, namespace):
        broken = release(chart.make("1.0.0"), namespace, values={"workload": True}, timeout=3, atomic=True)

        with pytest.raises(HelmError):
            program.create(TOKEN, "tiny", broken)

        assert helm("list", "--all", "-n", namespace, "-q") == ""
        assert kubectl.get("configmap", "tiny-config", namespace) is None
        program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))

    def test_atomic_upgrade_that_fails_is_rolled_back_and_still_wanted(
        self, program, kubectl, helm, chart, namespace
    ):
        created = program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))
        broken = release(chart.make("2.0.0"), namespace, values={"workload": True}, timeout=3, atomic=True)

        with pytest.raises(InitializationFailedError):
            program.update(created, broken)

        assert kubectl.get("configmap", "tiny-config", namespace)["data"]["version"] == "1.0.0"
        assert revisions(helm, namespace) == [1, 2, 3]
        refreshed = program.refresh(created)
        assert "version" in changed(program.plan(refreshed, broken))


class TestOthers:
    def test_a_revision_made_outside_of_pulumi_is_seen_after_a_refresh(self, program, helm, chart, namespace):
        inputs = release(chart.make("1.0.0"), namespace, values={"colour": "blue"})
        created = program.create(TOKEN, "tiny", inputs)
        helm("upgrade", "tiny", inputs["chart"], "-n", namespace, "--set", "colour=green")

        refreshed = program.refresh(created)

        assert refreshed.properties["status"]["revision"] == 2
        assert changed(program.plan(refreshed, inputs)) == {"values.colour"}

    def test_a_release_installed_outside_of_pulumi_is_refused(self, program, helm, chart, namespace):
        helm("install", "tiny", chart.make("1.0.0"), "-n", namespace)

        with pytest.raises(HelmError, match="cannot re-use a name"):
            program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))
        assert revisions(helm, namespace) == [1]

    def test_import_takes_a_release_with_its_values(self, program, helm, chart, namespace):
        helm("install", "tiny", chart.make("1.0.0"), "-n", namespace, "--set", "colour=green")

        taken = program.imported(TOKEN, "tiny", f"{namespace}/tiny")

        assert taken.inputs["values"] == {"colour": "green"}
        assert taken.inputs["version"] == "1.0.0"
        assert program.imported(TOKEN, "tiny", f"{namespace}/nothing") is None


class TestRefusals:
    def test_unknown_and_unsupported_inputs_are_named(self, program, chart):
        inputs = {
            "chart": chart.make("1.0.0"),
            "verison": "1.0.0",
            "valueYamlFiles": ["values.yaml"],
            "repositoryOpts": {"repo": "https://charts.lab.test", "pasword": "x", "username": "me"},
        }

        failures = program.check(TOKEN, "tiny", inputs).failures

        properties = {"verison", "valueYamlFiles", "repositoryOpts.pasword", "repositoryOpts.username"}
        assert {failure.property for failure in failures} == properties

    def test_chart_that_is_not_there_fails_the_preview(self, program, tmp_path):
        failures = program.check(TOKEN, "tiny", {"chart": str(tmp_path / "none.tgz")}).failures

        assert failures[0].property == "chart"
        assert "check the chart name and repository configuration" in failures[0].reason
        assert program.check(TOKEN, "tiny", {}).failures == [
            Failure("chart", "a chart is required: a name, a path or a URL")
        ]

    def test_missing_helm_is_explained(self, configured, chart, monkeypatch):
        monkeypatch.delenv("EKS_CILIUM_HELM")
        monkeypatch.setenv("PATH", "")

        with pytest.raises(HelmMissingError, match="EKS_CILIUM_HELM"):
            Program(configured()).check(TOKEN, "tiny", {"chart": chart.make("1.0.0")})

    @pytest.fixture
    def record(self, toolchain, tmp_path, monkeypatch):
        """Helm's command lines, and the mode and path of each kubeconfig while it ran."""
        record, spy = tmp_path / "record", tmp_path / "helm"
        spy.write_text(
            f'#!/bin/sh\necho "$@" >> {record}\nlast=\nfor each in "$@"; do\n'
            f'[ "$last" = --kubeconfig ] && stat -c "kubeconfig %a %n" "$each" >> {record}\n'
            f'last="$each"\ndone\nexec {toolchain.helm()} "$@"\n'
        )
        spy.chmod(spy.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("EKS_CILIUM_HELM", str(spy))
        return record

    def test_values_and_kubeconfig_are_private_while_helm_runs_and_deleted_afterwards(
        self, kubeconfig, chart, namespace, record
    ):
        instance = KubernetesPackage().configure({"kubeconfig": kubeconfig})
        inputs = release(chart.make("1.0.0"), namespace, values={"colour": "hunter2"})

        Program(instance).create(TOKEN, "tiny", inputs)

        written = record.read_text()
        assert "install tiny" in written
        assert "hunter2" not in written
        files = [line.split() for line in written.splitlines() if line.startswith("kubeconfig ")]
        assert {mode for _, mode, _ in files} == {"600"}
        assert not any(Path(path).exists() for _, _, path in files)

    def test_unreachable_cluster_is_an_error_not_a_missing_release(
        self, configured, no_cluster, program, chart, namespace
    ):
        created = program.create(TOKEN, "tiny", release(chart.make("1.0.0"), namespace))

        with pytest.raises(UnavailableError, match="unreachable"):
            Program(configured(kubeconfig=no_cluster)).refresh(created)
        assert Program(configured(kubeconfig=no_cluster, deleteUnreachable="true")).refresh(created) is None


class TestCilium:
    @pytest.fixture
    def inputs(self, toolchain):
        return lambda version, **values: {
            "chart": str(toolchain.chart(version)),
            "name": "cilium",
            "namespace": "kube-system",
            "skipAwait": True,
            "values": {"ipam": {"mode": "eni"}, "eni": {"enabled": True}, "routingMode": "native", **values},
        }

    def test_cilium_is_installed_upgraded_and_uninstalled(self, program, kubectl, inputs):
        created = program.create(TOKEN, "cilium", inputs("1.18.11"))
        assert kubectl.get("daemonset", "cilium", "kube-system")["status"]["desiredNumberScheduled"] == 0
        assert "kube-system/cilium-config" in created.properties["resourceNames"]["ConfigMap/v1"]
        assert not program.plan(program.refresh(created), inputs("1.18.11")).changes

        assert changed(program.plan(created, inputs("1.19.7"))) == {"chart", "version"}
        updated = program.update(created, inputs("1.19.7"))

        assert updated.properties["status"]["version"] == "1.19.7"
        image = kubectl.get("daemonset", "cilium", "kube-system")["spec"]["template"]["spec"]["containers"][
            0
        ]["image"]
        assert "v1.19.7" in image
        program.delete(updated)
        kubectl("wait", "--for=delete", "namespace/cilium-secrets", "--timeout=60s")
        assert kubectl.get("daemonset", "cilium", "kube-system") is None

    def test_waiting_for_cilium_returns_though_no_node_exists(self, program, inputs):
        waiting = {**inputs("1.19.7", operator={"replicas": 0}), "skipAwait": False, "timeout": 60}

        created = program.create(TOKEN, "cilium", waiting)

        assert created.properties["status"]["status"] == "deployed"
        program.delete(created)
