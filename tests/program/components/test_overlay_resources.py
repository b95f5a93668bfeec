"""What mode new-cluster registers where pods have addresses of an overlay, and what it refuses to change."""

import base64
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from eks_cilium.cluster.pod_addresses import PodAddresses
from stacks import new_cluster
from stacks.cilium_overlay import show_what_it_means
from stacks.pod_addresses import addresses_of, exported, refuse_other_addresses
from tests.program.components.recording import Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import SETTINGS, settings_of

pytestmark = pytest.mark.simulation

OVERLAY: dict[str, Any] = {"podCidrs": ["10.64.0.0/14"]}


def cilium(**changes: Any) -> dict[str, Any]:
    return {"cilium": {**SETTINGS["cilium"], "ipam": "cluster-pool", "overlay": OVERLAY, **changes}}


def recorded(
    changes: Mapping[str, Any] | None = None, *, before: Any = None, preview: bool = False
) -> Recorder:
    settings = settings_of({**cilium(), **(changes or {})})
    outputs = {"outputs": {"cluster": before} if before else {}}
    return record(
        lambda: new_cluster.run(settings, aws_client=lambda *_: WithoutKey()),
        {"readStackOutputs": outputs},
        preview=preview,
    )


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded()


def values(stack: Recorder) -> dict[str, Any]:
    found: dict[str, Any] = stack.only("Release").inputs["values"]
    return found


def user_data(stack: Recorder, group: str) -> str:
    return base64.b64decode(stack.only("LaunchTemplate", f"dev-{group}").inputs["userData"]).decode()


def test_the_operator_gets_no_role(stack: Recorder) -> None:
    kinds = Counter(entry.type.rpartition(":")[2] for entry in stack.registrations)

    assert kinds["OperatorRole"] == kinds["RolePolicy"] == 0
    assert [entry.name for entry in stack.of("Role")] == ["dev-node"]


def test_pods_get_addresses_of_the_pool(stack: Recorder) -> None:
    found = values(stack)

    assert found["ipam"] == {
        "mode": "cluster-pool",
        "operator": {"clusterPoolIPv4PodCIDRList": ["10.64.0.0/14"], "clusterPoolIPv4MaskSize": 24},
    }
    assert (found["routingMode"], found["tunnelProtocol"]) == ("tunnel", "vxlan")
    assert found["eni"] == {"enabled": False}
    assert "ipv4NativeRoutingCIDR" not in found


@pytest.mark.parametrize(("protocol", "port"), [("vxlan", 8472), ("geneve", 6081)])
def test_nodes_accept_the_tunnels_of_each_other_before_cilium_is_installed(protocol: str, port: int) -> None:
    stack = recorded(cilium(overlay={**OVERLAY, "protocol": protocol}))
    rule = stack.only("SecurityGroupIngressRule")

    assert rule.inputs["securityGroupId"] == rule.inputs["referencedSecurityGroupId"] == "sg-1"
    assert (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) == ("udp", port, port)
    assert rule.provider.startswith(stack.only("aws").urn)
    assert stack.waits_for(stack.only("Cilium"), stack.by_urn(rule.parent))


def test_pods_of_a_node_are_not_limited_by_its_interfaces() -> None:
    groups = {
        "system": {},
        "large": {"instanceTypes": ["m7i.8xlarge"]},
        "given": {"maxPods": 60},
        "rocket": {"amiType": "BOTTLEROCKET_x86_64"},
    }
    stack = recorded({"nodeGroups": groups})

    assert '"maxPods": 110' in user_data(stack, "system")
    assert '"maxPods": 250' in user_data(stack, "large")
    assert '"maxPods": 60' in user_data(stack, "given")
    assert "max-pods = 110" in user_data(stack, "rocket")


def test_nodes_have_one_interface_which_the_image_configures(stack: Recorder) -> None:
    assert "Unmanaged=yes" not in user_data(stack, "system")


def test_images_of_different_families_may_be_mixed_in_public_subnets() -> None:
    """No list of interfaces is needed, by which ENI mode masquerades."""
    groups = {"a": {"subnets": "public"}, "b": {"subnets": "public", "amiType": "BOTTLEROCKET_x86_64"}}

    assert values(recorded({"nodeGroups": groups}))["enableIPv4Masquerade"] is True


def test_a_preview_says_what_an_overlay_takes_away(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        recorded(preview=True)
    (said,) = [line for line in caplog.messages if "which the VPC does not know" in line]

    assert "room for 1024 nodes with 251 pods each" in said
    assert "at most 18 nodes" in said, "two groups of 3, and twice the number of zones during their updates"
    assert "system 110, batch 110" in said
    for word in ("admission webhooks", "metrics-server", "hostNetwork: true", "target type instance"):
        assert word in said


def test_a_preview_warns_of_add_ons_that_the_control_plane_has_to_reach(
    caplog: pytest.LogCaptureFixture,
) -> None:
    addons: dict[str, Any] = {"metrics-server": {}, "aws-ebs-csi-driver": {}}
    settings = settings_of({**cilium(), "cluster": {**SETTINGS["cluster"], "addons": addons}})

    with caplog.at_level(logging.WARNING):
        record(lambda: show_what_it_means(settings), preview=True)
    (said,) = [line for line in caplog.messages if "add-on" in line]
    assert "metrics-server serves an aggregated API" in said


def test_an_update_does_not_repeat_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        recorded()

    assert not [line for line in caplog.messages if "which the VPC does not know" in line]


ADDRESSES = exported(PodAddresses("cluster-pool", ("10.64.0.0/14",), 24, "vxlan"))
BEFORE: dict[str, Any] = {"ciliumVersion": "1.19.7", "podAddresses": ADDRESSES}


@pytest.mark.parametrize(
    ("before", "wanted", "says"),
    [
        ({"ciliumVersion": "1.19.7"}, {}, r'cilium\.ipam is "cluster-pool"(.|\n)*allowed: eni: a running'),
        (BEFORE, {"ipam": "eni", "overlay": None}, r'cilium\.ipam is "eni"(.|\n)*allowed: cluster-pool'),
        (BEFORE, {"overlay": {"podCidrs": ["10.96.0.0/14"]}}, "10.64.0.0/14 first(.|\n)*can be appended"),
        (BEFORE, {"overlay": {**OVERLAY, "nodeMaskSize": 25}}, r"nodeMaskSize is 25(.|\n)*allowed: 24"),
        (
            BEFORE,
            {"overlay": {**OVERLAY, "protocol": "geneve"}},
            r"protocol is \"geneve\"(.|\n)*allowed: vxlan",
        ),
    ],
)
@pytest.mark.parametrize("preview", [True, False])
def test_a_live_cluster_keeps_its_addresses(
    before: dict[str, Any], wanted: dict[str, Any], says: str, preview: bool
) -> None:
    kept = {key: value for key, value in cilium(**wanted)["cilium"].items() if value is not None}

    with pytest.raises(pulumi.RunError, match=says):
        recorded({"cilium": kept}, before=before, preview=preview)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"overlay": {"podCidrs": ["10.64.0.0/14", "100.64.0.0/16"]}}],
    ids=["same", "one more network"],
)
def test_a_pool_can_be_extended(wanted: dict[str, Any]) -> None:
    # Numbers come back from the state of a stack as floats.
    before = {**BEFORE, "podAddresses": {**ADDRESSES, "nodeMaskSize": 24.0}}

    assert recorded(cilium(**wanted), before=before).only("Release")


def test_where_no_update_was_completed_the_cluster_is_asked() -> None:
    settings = settings_of(cilium())
    asked: list[Mapping[str, Any]] = []

    def running(place: Mapping[str, Any]) -> PodAddresses:
        asked.append(place)
        return PodAddresses("eni")

    with pytest.raises(pulumi.RunError, match="allowed: eni"):
        refuse_other_addresses(settings, is_running=True, outputs=dict, running=running)
    refuse_other_addresses(settings, is_running=False, outputs=dict, running=running)
    refuse_other_addresses(settings, is_running=True, outputs=dict, running=lambda _: None)
    assert [place["cluster_name"] for place in asked] == ["dev"]


def test_the_outputs_say_what_the_next_run_has_to_know() -> None:
    wanted = addresses_of(settings_of(cilium()).cilium)

    assert exported(wanted) == {
        "ipam": "cluster-pool",
        "podCidrs": ["10.64.0.0/14"],
        "nodeMaskSize": 24,
        "protocol": "vxlan",
    }
    assert exported(addresses_of(settings_of().cilium)) == {"ipam": "eni"}
