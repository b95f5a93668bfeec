"""AWS fails in the middle of a node's replacement: the node is uncordoned, and the next run completes."""

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import AwsRefusedError, ProgramError
from eks_cilium.runtime.errors import StoppedError

from .migrations import Before, Stack, options
from .simulation.cloud import refusal
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

TERMINATE = "terminate_instance"


@pytest.mark.parametrize(("code", "kind"), [("ExpiredToken", StoppedError), ("AuthFailure", AwsRefusedError)])
def test_a_drained_node_is_uncordoned_when_aws_refuses_to_terminate_it(code: str, kind: type[ProgramError]):
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    before = Before(simulation)
    stack = Stack(simulation, options())

    def refuse(operation: str) -> None:
        if operation == TERMINATE:
            raise refusal(code, "The security token included in the request is expired", operation)

    simulation.cloud.before_write = refuse
    with pytest.raises(kind, match="aws sts get-caller-identity"):
        stack.up()

    assert simulation.api.evictions
    assert not any(is_cordoned(node) for node in simulation.nodes())
    simulation.cloud.before_write = lambda _: None
    stack.up()
    before.check_replaced()


def test_throttling_that_outlasts_the_clients_retries_is_waited_out():
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    before = Before(simulation)
    throttled = 3

    def throttle(operation: str) -> None:
        nonlocal throttled
        if operation == TERMINATE and throttled:
            throttled -= 1
            raise refusal("Throttling", "Rate exceeded", operation)

    simulation.cloud.before_write = throttle
    Stack(simulation, options()).up()

    assert throttled == 0
    before.check_replaced()
