"""The charts and CRDs of every supported Cilium version, as Helm and the API server read them."""

import subprocess

import pytest
import yaml

from lab.toolchain import CILIUM_VERSIONS

pytestmark = pytest.mark.charts


@pytest.mark.parametrize("version", CILIUM_VERSIONS)
def test_helm_reads_the_packaged_chart(toolchain, version):
    chart = toolchain.chart(version)
    shown = subprocess.run(
        [str(toolchain.helm()), "show", "chart", str(chart)], capture_output=True, text=True, check=True
    )
    described = yaml.safe_load(shown.stdout)

    assert chart.name == f"cilium-{version}.tgz"
    assert (described["name"], described["version"]) == ("cilium", version)
    assert described["appVersion"] == version


@pytest.mark.parametrize("version", CILIUM_VERSIONS)
def test_crds_of_the_version_exist(toolchain, version):
    definitions = [yaml.safe_load(path.read_text()) for path in toolchain.crds(version).rglob("*.yaml")]
    kinds = {each["spec"]["names"]["kind"] for each in definitions}

    assert {"CiliumNode", "CiliumEndpoint", "CiliumIdentity", "CiliumNetworkPolicy"} <= kinds
    assert {each["kind"] for each in definitions} == {"CustomResourceDefinition"}


def test_helm_reports_its_version(toolchain):
    asked = [str(toolchain.helm()), "version", "--template", "{{.Version}}"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout

    assert said.startswith("v3.20.")
