"""Cilium's own pods move with their nodes: no emptyDir volume of any release keeps a drain from going on."""

from typing import Any

import pytest

from eks_cilium.cilium.values import eni_values
from eks_cilium.cilium.versions import TRIED
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.pods import pod
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.planner import plan
from lab.toolchain import Toolchain
from tests.program.cilium.rendering import Rendered, render
from tests.program.cilium.test_rendered_charts import mode_of
from tests.program.plan.builders import World

pytestmark = pytest.mark.charts

MESH = {"clustermesh": {"useAPIServer": True, "apiserver": {"service": {"type": "LoadBalancer"}}}}


def deployments(rendered: Rendered) -> dict[str, dict[str, Any]]:
    """The pods of the release that a drain evicts, by the name of their Deployment."""
    return {
        name: document["spec"]["template"]
        for (kind, name), document in rendered.objects.items()
        if kind == "Deployment"
    }


def running(name: str, template: dict[str, Any]) -> dict[str, Any]:
    owner = {"kind": "Deployment", "name": name, "controller": True}
    metadata = {"namespace": "kube-system", "name": f"{name}-0", "uid": name, "ownerReferences": [owner]}
    labels = template["metadata"].get("labels") or {}
    return {
        "metadata": {**metadata, "labels": labels},
        "spec": {**template["spec"], "nodeName": "node-0"},
        "status": {"phase": "Running"},
    }


@pytest.mark.parametrize("version", TRIED)
def test_a_drain_goes_on_whatever_volumes_ciliums_own_pods_have(toolchain: Toolchain, version: str):
    values = eni_values(mode_of(version, hubble_relay=True, hubble_ui=True, extra=MESH))
    found = deployments(render(toolchain.helm(), toolchain.chart(version), values))
    world = World(2)
    for name, template in found.items():
        known = pod(running(name, template))
        assert known is not None
        world.pods.append(known)
        above = world.owner("Deployment", name, 1)
        world.owners[Reference("Deployment", "kube-system", name)] = above

    blocked = [each for each in plan(world.facts()).blockers if each.code is Code.LOCAL_STORAGE]

    assert {"hubble-ui", "hubble-relay", "clustermesh-apiserver", "cilium-operator"} <= found.keys()
    assert blocked == []
