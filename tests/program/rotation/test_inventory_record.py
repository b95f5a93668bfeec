"""The record of the nodes: what it keeps, and what earlier versions wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.migration.inventory.model import Inventory, Outgoing
from eks_cilium.settings.model.migration import Target

pytestmark = pytest.mark.unit

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
NODES = st.builds(Outgoing, *[WORDS] * 5, node_group=st.sampled_from(["", "general"]), cordoned=st.booleans())


def inventory_of(count: int) -> Inventory:
    """As long as names are in a cluster of node groups, in three zones."""
    nodes = [
        Outgoing(
            name=f"ip-10-{number % 250}-111-{number % 199}.eu-central-1.compute.internal",
            uid="0b2b5e4c-7d0a-4f9e-9c85-0d2f8a8c1f6e",
            instance=f"i-{number:017x}",
            zone=f"eu-central-1{'abc'[number % 3]}",
            group=f"eks-general-purpose-{number % 20}-4ec8a3b2-7bd6-9f0e-1c5d-8f2a6b3c9d10",
            node_group=f"general-purpose-{number % 20}",
        )
        for number in range(count)
    ]
    return Inventory(Target.CILIUM, "2026-01-01T00:00:00", tuple(nodes))


@given(st.lists(NODES, max_size=6).map(tuple))
def test_the_record_keeps_every_node_as_it_was(nodes: tuple[Outgoing, ...]) -> None:
    inventory = Inventory(Target.CILIUM, "2026-01-01T00:00:00", nodes)

    assert Inventory.from_json(json.loads(json.dumps(inventory.to_json()))) == inventory


def test_the_record_of_an_earlier_version_is_read() -> None:
    kept = {
        "target": "cilium",
        "taken": "2026-01-01T00:00:00",
        "nodes": [{"name": "a", "uid": "u", "instance": "i-1", "zone": "z", "group": "g"}],
    }

    assert Inventory.from_json(kept).nodes == (Outgoing("a", "u", "i-1", "z", "g"),)
