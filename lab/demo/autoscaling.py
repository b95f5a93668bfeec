"""A group that another controller resizes while the program works on it: load, and an emulated autoscaler.

The demo of mode `replacement` and an end-to-end test run it beside the program. It ends when the autoscaler
has removed what it added.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.demo.checks import Check
from lab.disturbances import peak
from lab.disturbances.actors import PREFIX, act_as, kubeconfig_of
from lab.disturbances.autoscaler import deployment, scaler
from lab.disturbances.autoscaler.account import client_of_autoscaler
from lab.disturbances.autoscaler.scaler import ACTOR, ClusterAutoscaler, Options
from lab.disturbances.load import LoadGenerator
from lab.disturbances.peak import Peak
from lab.environment import Cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.demo.comparison import Snapshot
    from lab.sample_cluster.clients import Kubectl

_LONGEST = 180.0
"""Seconds in which the autoscaler removes the nodes that it added."""


@dataclass
class Growth:
    """What happened to the group beside the program."""

    peak: Peak
    autoscaler: ClusterAutoscaler
    faults: list[str] = field(default_factory=list)

    def fault(self, where: str, what: str, _: str) -> None:
        """Record that a step failed; it is done again a second later."""
        self.faults.append(f"{where}: {what}")

    def checks(self) -> Iterator[Check]:
        """Yield whether the load came and went, and what the autoscaler did about it."""
        load, did = "; ".join(self.peak.history), self.autoscaler.history
        grew = [each for each in did if each.startswith("grew")]
        removed = [each for each in did if each.startswith("removed")]
        yield Check("a peak of load in the middle", load or "none", len(self.peak.history) == 2)
        yield Check("the autoscaler added nodes for it", "; ".join(grew) or "none", bool(grew))
        yield Check("and removed the idle ones", f"{len(removed)} removed", bool(removed))


@contextmanager
def autoscaled(growth: Growth) -> Iterator[None]:
    """Resize a node group beside the program for the length of a `with` block, and until it is as before."""
    growth.peak.load.install()
    deployment.install(growth.peak.load.api)
    with scaler.running(growth.autoscaler, growth.fault):
        with peak.running(growth.peak, growth.fault):
            yield
        _wait_until_as_before(growth.autoscaler)


def growth_of(
    kubectl: Kubectl, before: Snapshot, nodegroup: str, unneeded: float = Options.unneeded
) -> Growth:
    """Return a load and an autoscaler for a node group, neither of which has begun.

    The autoscaler removes a node when it was idle for `unneeded` seconds.
    """
    cloud, kubeconfig = Cloud.read(kubectl.places.cloud), kubeconfig_of(kubectl.places, kubectl.context)
    person = act_as(kubeconfig, f"{PREFIX}load-generator")
    name, state = next(item for item in before.groups.items() if item[1].node_group == nodegroup)
    options = Options(
        group=name, nodegroup=nodegroup, smallest=state.desired, largest=state.maximum, unneeded=unneeded
    )
    load = LoadGenerator(person, {"eks.amazonaws.com/nodegroup": nodegroup})

    def nodes_left() -> frozenset[str]:
        return frozenset(person.each("/api/v1/nodes", lambda node: str(node["metadata"]["name"])))

    return Growth(
        Peak(load, frozenset(before.nodes), nodes_left),
        ClusterAutoscaler(act_as(kubeconfig, ACTOR), client_of_autoscaler(cloud), options),
    )


def _wait_until_as_before(scaler: ClusterAutoscaler) -> None:
    deadline = time.monotonic() + _LONGEST
    while scaler.surplus() > 0 and time.monotonic() < deadline:
        time.sleep(1)
