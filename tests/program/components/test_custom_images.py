"""Node groups with images of the user's own: their user data, and what a preview refuses."""

import base64
import tomllib
from email import message_from_string
from typing import Any

import pulumi
import pytest
import yaml

from lab.cloud.eks.nodegroups.custom_image import boot_of
from lab.cloud.running_clusters import Taint
from tests.program.components.recording import Recorder
from tests.program.components.test_new_cluster_resources import recorded

pytestmark = pytest.mark.simulation

IMAGE = "ami-0123456789abcdef0"
ENDPOINT = "https://ABC.gr7.eu-central-1.eks.amazonaws.com"
STARTUP = Taint("node.cilium.io/agent-not-ready", "NoExecute", "true")


def with_image(architecture: str = "x86_64", **group: Any) -> Recorder:
    wanted = {
        "imageId": IMAGE,
        "labels": {"pool": "batch"},
        "taints": [{"key": "dedicated", "value": "batch", "effect": "NO_SCHEDULE"}],
        **group,
    }
    groups = {"batch": wanted, "system": {"amiType": wanted.get("amiType", "AL2023_x86_64_STANDARD")}}
    known = {"getAmi": {"architecture": architecture, "imageId": IMAGE}}
    return recorded({"nodeGroups": groups, "cilium": {"version": "1.19.7"}}, known)


def template_of(stack: Recorder) -> dict[str, Any]:
    return stack.only("LaunchTemplate", "dev-batch").inputs


def test_the_image_is_in_the_launch_template_and_no_version_beside_it() -> None:
    stack = with_image()

    (group,) = (entry for entry in stack.of("NodeGroup") if entry.custom and entry.name == "dev-batch")
    assert template_of(stack)["imageId"] == IMAGE
    assert group.inputs["amiType"] == "CUSTOM"
    assert {"version", "releaseVersion"} & set(group.inputs) == set()
    assert "imageId" not in stack.only("LaunchTemplate", "dev-system").inputs


@pytest.mark.parametrize("kind", ["AL2023_x86_64_STANDARD", "BOTTLEROCKET_x86_64"])
@pytest.mark.parametrize("limit", [None, 60])
def test_a_node_finds_its_cluster_and_registers_its_taints(kind: str, limit: int | None) -> None:
    more: dict[str, Any] = {} if limit is None else {"maxPods": limit}
    template = template_of(with_image(amiType=kind, **more))

    boot = boot_of({"UserData": template["userData"]})
    assert boot.joins("dev", ENDPOINT, "Q0E=")
    assert boot.taints == (STARTUP, Taint("dedicated", "NoSchedule", "batch"))
    assert boot.max_pods == limit


def test_nodeadm_gets_one_configuration_with_labels_and_the_network_of_services() -> None:
    document = message_from_string(base64.b64decode(template_of(with_image())["userData"]).decode())

    parts = {part.get_content_type(): str(part.get_payload()) for part in document.walk()}
    spec = yaml.safe_load(parts["application/node.eks.aws"])["spec"]
    assert spec["cluster"]["cidr"] == "172.20.0.0/16"
    assert "--node-labels=pool=batch" in spec["kubelet"]["flags"]
    assert "Unmanaged=yes" in parts["text/cloud-boothook"]


def test_bottlerocket_gets_labels_and_the_address_of_dns() -> None:
    template = template_of(with_image(amiType="BOTTLEROCKET_x86_64"))

    settings = tomllib.loads(base64.b64decode(template["userData"]).decode())["settings"]["kubernetes"]
    assert settings["cluster-dns-ip"] == "172.20.0.10"
    assert settings["node-labels"] == {"pool": "batch"}


def test_an_image_of_another_architecture_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="an x86_64 image, as amiType is AL2023_x86_64_STANDARD"):
        with_image("arm64")


def test_an_image_that_does_not_exist_is_refused() -> None:
    groups = {"nodeGroups": {"system": {"imageId": IMAGE}}}
    with pytest.raises(pulumi.RunError, match="an image that this account sees in eu-central-1"):
        recorded(groups, {"getAmi": LookupError("no image matches")})
