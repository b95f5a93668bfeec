"""Waits until load balancers have stopped sending to a drained node.

The label that the cordon sets, `node.kubernetes.io/exclude-from-external-load-balancers`, is what has a node
deregistered; the cordon alone is not (aws-load-balancer-controller, pkg/backend/endpoint_utils.go,
defaultTrafficProxyNodeLabelSelector; k8s.io/cloud-provider, controllers/service/controller.go,
nodeIncludedPredicate). AWS then drains its connections for deregistration_delay.timeout_seconds, 300 s unless
configured (docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html),
and the node forwards them to pods elsewhere all the while.

So the state of the node's instance is read from the target groups and Classic Load Balancers of the cluster,
which are asked once in each interval for all nodes that are waited for.
A pod that is a target itself (target type `ip`) has ended with the drain: of its address only the
deregistration is awaited, so that no other pod gets its traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.clients.load_balancers import DRAINING, NOT_USED
from eks_cilium.cluster.load_balancers import balanced
from eks_cilium.errors import AwsRefusedError
from eks_cilium.migration.rotation import before as records
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_BINDINGS = "/apis/elbv2.k8s.aws/v1beta1/targetgroupbindings"
_PACE = 3
"""Target health is read at every so many polls: AWS limits the rate for a whole account."""
_RIGHTS = (
    "elasticloadbalancing: DescribeTargetGroups, DescribeTags, DescribeTargetHealth, DescribeLoadBalancers, "
    "DescribeInstanceHealth"
)


def await_stopped(run: MigrationRun, node: Outgoing, *, cordoned: float) -> None:
    """Wait until no load balancer of the cluster sends to a node; after the time limit, go on with a note.

    `cordoned` is when this run began to drain the node: without the rights to read target health, so long is
    waited from then that every load balancer has stopped.
    """
    bindings = run.world.seen.each(_BINDINGS, _target_group)
    if not bindings and not balanced(run.world.seen):
        return
    try:
        _await(run, node, [arn for arn in bindings if arn])
    except TimedOutError as error:
        run.report(f"{error.missing}; {node.name} is terminated all the same")
        run.world.note("load-balancers-not-released", node=node.name, missing=error.missing)
    except AwsRefusedError as error:
        _wait_it_out(run, node, error, cordoned)


def _await(run: MigrationRun, node: Outgoing, bound: list[str]) -> None:
    every = run.limits.poll_interval * _PACE
    watched = _Watched(run.world, node, bound, every)
    run.world.wait(
        watched.missing,
        waited_for=f"load balancers to stop sending to {node.name}",
        seconds=run.limits.load_balancer_timeout,
        every=every,
        report=run.report,
    )


class _Watched:
    """The target groups and Classic Load Balancers that had the node as a target when they were last read.

    An answer is about all targets of a group: for `max_age` seconds it serves all nodes that are waited for.
    """

    def __init__(self, world: World, node: Outgoing, bound: list[str], max_age: float) -> None:
        self._world, self._node, self._max_age = world, node, max_age
        before, client = records.of(world, node), world.load_balancers
        self._addresses = frozenset(before.addresses if before else ())
        self._groups = sorted({*bound, *world.shared("target groups", max_age, client.target_groups)})
        self._classic = world.shared("classic load balancers", max_age, client.classic)

    def missing(self) -> str:
        waiting = {arn: text for arn in self._groups if (text := self._waiting(self._states(arn)))}
        self._groups = list(waiting)
        self._classic = [name for name in self._classic if self._node.instance in self._sends_to(name)]
        texts = [f"{_name(arn)} ({text})" for arn, text in waiting.items()]
        texts += [f"{name} (InService)" for name in self._classic]
        return f"load balancers still send to {self._node.name}: {named(texts)}" if texts else ""

    def _states(self, arn: str) -> Mapping[str, str]:
        client = self._world.load_balancers
        return self._world.shared(f"targets of {arn}", self._max_age, lambda: client.states(arn))

    def _sends_to(self, name: str) -> frozenset[str]:
        client = self._world.load_balancers
        return self._world.shared(
            f"instances of {name}", self._max_age, lambda: client.classic_sends_to(name)
        )

    def _waiting(self, states: Mapping[str, str]) -> str:
        """The state that has to be waited for; empty where the group sends neither to node nor pods."""
        instance = states.get(self._node.instance, NOT_USED)
        if instance != NOT_USED:
            return instance
        held = (states.get(address, NOT_USED) for address in self._addresses)
        return next((state for state in held if state not in (NOT_USED, DRAINING)), "")


def _wait_it_out(run: MigrationRun, node: Outgoing, error: AwsRefusedError, cordoned: float) -> None:
    pause = run.limits.load_balancer_timeout - (run.world.time.monotonic() - cordoned)
    run.report(
        f"the state of targets may not be read ({error.code}; {_RIGHTS}): load balancers have "
        f"{max(pause, 0):.0f} s to stop sending to {node.name}"
    )
    run.world.note("target-health-not-readable", node=node.name, reason=str(error), seconds=max(pause, 0))
    run.world.pause(seconds=max(pause, 0), every=run.limits.poll_interval)


def _target_group(binding: Object) -> str:
    """ARN of a TargetGroupBinding; empty while its group is looked up by name."""
    return str(binding["spec"].get("targetGroupARN") or "")


def _name(arn: str) -> str:
    """The name in an ARN, as in arn:aws:elasticloadbalancing:...:targetgroup/NAME/0f1e."""
    return arn.split("/")[1] if arn.count("/") > 1 else arn
