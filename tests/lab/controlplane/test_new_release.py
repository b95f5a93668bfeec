"""A new patch of a served minor is brought into a checkout by one command."""

import json
from pathlib import Path

import pytest

from lab.toolchain.errors import UnknownVersionError
from lab.toolchain.golang import Go
from lab.toolchain.new_release import NewRelease

pytestmark = pytest.mark.simulation

SCHEMA = """
spec:
  versions:
    - schema:
        openAPIV3Schema:
          properties:
            spec: &rule {type: object, properties: {endpointSelector: {type: object}}}
            specs: {type: array, items: *rule}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """What Go's module of a release holds of what is read."""
    folder = tmp_path / "module"
    chart = folder / "install/kubernetes/cilium"
    (chart / "templates").mkdir(parents=True)
    (chart / "values.yaml").write_text("hubble:\n  enabled: true\n")
    schemas = folder / "pkg/k8s/apis/cilium.io/client/crds/v2"
    schemas.mkdir(parents=True)
    for name in ("ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"):
        (schemas / f"{name}.yaml").write_text(SCHEMA)
    return folder


@pytest.fixture
def go(tmp_path: Path, module: Path) -> Go:
    folder = tmp_path / "path"
    folder.mkdir()
    script = folder / "go"
    answer = json.dumps({"Dir": str(module), "Sum": "h1:new"})
    script.write_text(f"#!/bin/sh\ncat <<'end'\n{answer}\nend\n")
    script.chmod(0o755)
    return Go(lambda _: None, path=str(folder))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for folder in ("eks_cilium/cilium/keys", "eks_cilium/cilium/crds", "lab/toolchain"):
        (root / folder).mkdir(parents=True)
    root.joinpath("eks_cilium/cilium/versions.py").write_text('_1_19 = replace(_1_18, version="1.19.7")\n')
    charts = Path("lab/toolchain/charts.py")
    (root / charts).write_text(charts.read_text())
    return root


def test_version_checksum_keys_and_schemas_are_those_of_the_new_patch(checkout: Path, go: Go):
    changed = NewRelease("1.19.42", checkout).bring_in(go)

    assert {file.relative_to(checkout).as_posix() for file in changed} == {
        "eks_cilium/cilium/versions.py",
        "lab/toolchain/charts.py",
        "eks_cilium/cilium/keys/1.19.txt",
        "eks_cilium/cilium/crds/1.19.json",
    }
    assert '"1.19.42"' in (checkout / "eks_cilium/cilium/versions.py").read_text()
    assert '"1.19.42": "h1:new"' in (checkout / "lab/toolchain/charts.py").read_text()
    assert (checkout / "eks_cilium/cilium/keys/1.19.txt").read_text() == "hubble.enabled\n"


def test_a_minor_without_an_entry_is_refused_before_anything_is_changed(checkout: Path, go: Go):
    before = (checkout / "lab/toolchain/charts.py").read_text()

    with pytest.raises(UnknownVersionError, match=r"1\.21\.0 is not served"):
        NewRelease("1.21.0", checkout).bring_in(go)

    assert (checkout / "lab/toolchain/charts.py").read_text() == before
