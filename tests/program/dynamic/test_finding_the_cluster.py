"""Every resource of a run finds the cluster anew, also while credentials have expired between two of them."""

import pytest

from eks_cilium.clients.aws_errors import translation
from eks_cilium.dynamic.shell.cluster import found_patiently
from eks_cilium.dynamic.shell.process import ProviderProcess
from eks_cilium.errors import AwsCredentialsExpiredError
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.lease import Holder, Lease
from tests.program.clients.test_aws_errors import answered
from tests.program.rotation.simulation.world import Simulation

pytestmark = pytest.mark.unit

FOUND = ("https://cluster.example", b"authority")
PROPS = {"options": {"answerTimeoutSeconds": 60}}


class Expired:
    """EKS refuses so many requests."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> tuple[str, bytes]:
        if self.left:
            self.left -= 1
            raise translation(answered("ExpiredTokenException", "expired", 403), "eks:DescribeCluster")
        return FOUND


def time_of(simulation: Simulation) -> Time:
    return Time(simulation.clock.monotonic, simulation.clock.now, simulation.clock.sleep)


def under_way(simulation: Simulation) -> ProviderProcess:
    """A process whose run has begun."""
    process = ProviderProcess()
    world = simulation.world()
    process.leases.held("cluster", lambda: Lease(world.api, Holder("ann", "boot/1/1"), world.time))
    return process


def test_in_the_middle_of_a_run_fresh_credentials_are_waited_for() -> None:
    simulation = Simulation()

    found = found_patiently(PROPS, Expired(5), process=under_way(simulation), time=time_of(simulation))

    assert found == FOUND


def test_they_are_waited_for_as_long_as_the_configuration_says() -> None:
    simulation = Simulation()

    with pytest.raises(AwsCredentialsExpiredError):
        found_patiently(PROPS, Expired(99), process=under_way(simulation), time=time_of(simulation))

    assert simulation.clock.seconds >= 60


def test_a_run_that_begins_with_expired_credentials_ends_at_once() -> None:
    with pytest.raises(AwsCredentialsExpiredError):
        found_patiently(PROPS, Expired(1), process=ProviderProcess())
