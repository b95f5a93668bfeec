"""The preview of a large cluster: 500 nodes and 15,000 pods, planned within half a minute."""

import time

import pytest

from lab.existing.crowd import gather
from lab.existing.shape import Shape
from tests.end_to_end.existing.making import MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

NODES, PODS = 500, 15_000
LIMIT = 30.0


def test_a_preview_of_five_hundred_nodes_takes_less_than_half_a_minute(make_existing: MakeExisting) -> None:
    existing = make_existing(Shape(nodes=NODES, instance_type="m7i.xlarge", workloads=()), surge=3)
    of_daemon_sets = 3 * NODES
    gather(existing.kubectl, PODS - of_daemon_sets)

    began = time.monotonic()
    preview = existing.pulumi("preview")
    took = time.monotonic() - began

    assert preview.code == 0, preview.output[-4000:]
    assert preview.output.count("eks-cilium:NodeRotation") == NODES
    assert took < LIMIT, f"took {took:.1f} s"
