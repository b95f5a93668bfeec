"""Resources in states that earlier versions of this program wrote are still registered: none is deleted.

The files hold the URNs, without project and stack, of two stacks of the lab as the program left them before
kube-proxy was an add-on of its own, and before add-ons, access entries and keys were configurable.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks_cilium.settings import read
from stacks import new_chained_cluster, new_cluster
from tests.program.components.recording import BUILDS, Offers, Recorder, WithoutKey, record

pytestmark = pytest.mark.simulation

ROOT = Path(__file__).parents[3]
STATES = Path(__file__).parent / "earlier_states"
KUBE_PROXY = {
    "eks-cilium:kubeProxy": {"version": "v1.36.0-eksbuild.2"},
    "eks-cilium:cilium": {"version": "1.19.7", "chartRepository": "charts", "kubeProxyReplacement": False},
}
OF_THE_COMPONENT = "eks:index:Cluster$"
"""What EKS's component registers itself, in a process of its own."""


class Account(WithoutKey):
    """boto3's clients, with every build of the lab."""

    def get_paginator(self, operation: str) -> Any:
        builds = {
            "coredns": ["v1.14.2-eksbuild.1", "v1.13.2-eksbuild.1"],
            "kube-proxy": ["v1.36.0-eksbuild.2", "v1.35.0-eksbuild.2"],
            "vpc-cni": ["v1.21.1-eksbuild.1"],
        }
        return (
            Offers(BUILDS | builds)
            if operation == "describe_addon_versions"
            else super().get_paginator(operation)
        )


def registered(stack: str, changes: dict[str, Any]) -> Recorder:
    """What the program registers today for a stack of the lab."""
    config = yaml.safe_load((ROOT / "lab" / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (config | changes).items()
    }
    settings: Any = read(texts)
    program = new_chained_cluster if stack == "lab-chained" else new_cluster
    return record(lambda: program.run(settings, aws_client=lambda *_: Account()))


@pytest.mark.parametrize(("stack", "changes"), [("lab-chained", {}), ("lab", KUBE_PROXY)])
def test_every_resource_of_an_earlier_version_is_still_registered(
    stack: str, changes: dict[str, Any]
) -> None:
    entries = registered(stack, changes).registrations
    known = {urn.split("::", 2)[-1] for entry in entries for urn in (entry.urn, *entry.formerly)}
    was = (STATES / f"{stack}.txt").read_text().split("\n")[:-1]

    assert len(was) > 50
    assert [urn for urn in was if OF_THE_COMPONENT not in urn and urn not in known] == []


@pytest.mark.parametrize(
    ("stack", "changes", "name"), [("lab-chained", {}, "chained"), ("lab", KUBE_PROXY, "lab")]
)
def test_the_add_on_that_eks_component_had_registered_is_taken_over(
    stack: str, changes: dict[str, Any], name: str
) -> None:
    """A deletion would have taken kube-proxy from every node, for as long as the new add-on took."""
    old = f"eks-cilium:index:EksCluster$eks:index:Cluster$aws:eks/addon:Addon::{name}-kube-proxy"
    addon = registered(stack, changes).only("Addon", f"{name}-kube-proxy")

    assert old in (STATES / f"{stack}.txt").read_text()
    # The mocks' URNs have the type of the nearest parent only.
    (formerly,) = [urn.split("::", 2)[-1] for urn in addon.formerly]
    assert formerly.startswith(OF_THE_COMPONENT)
    assert old.endswith(formerly)
