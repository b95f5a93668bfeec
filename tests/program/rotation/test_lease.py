"""One run at a time: the Lease, who holds it, and when it is free."""

import threading
from dataclasses import replace

import pytest

from eks_cilium.errors import CredentialsExpiredError, TransientError
from eks_cilium.runtime import lease as leases
from eks_cilium.runtime.errors import LeaseHeldError
from eks_cilium.runtime.lease import Heartbeat, Holder, Lease

from .simulation.world import Simulation

pytestmark = pytest.mark.unit

LEASES = "/apis/coordination.k8s.io/v1/leases"


@pytest.fixture
def simulation() -> Simulation:
    return Simulation()


def lease(simulation: Simulation, name: str, *, dead: bool | None = None) -> Lease:
    world = simulation.world()
    return Lease(world.api, Holder(name, f"boot/{name}/1"), world.time, dead=lambda _: dead)


def test_a_run_takes_a_free_lease_and_may_act(simulation: Simulation):
    each = lease(simulation, "ann")

    each.acquire()

    each.check()
    found = simulation.api.find(LEASES, "kube-system", "eks-cilium-migration")
    assert found is not None
    assert found["spec"]["holderIdentity"] == "ann"


def test_a_second_run_is_refused_with_the_holders_name(simulation: Simulation):
    ann, bob = lease(simulation, "ann"), lease(simulation, "bob")
    ann.acquire()
    inner = simulation.clock.tick

    def tick() -> None:
        inner()
        if simulation.clock.seconds % 10 == 0:
            ann.renew()

    simulation.clock.tick = tick

    with pytest.raises(LeaseHeldError, match="ann has been at work on this cluster since"):
        bob.acquire()


def test_a_second_run_beside_a_living_process_is_refused_at_once(simulation: Simulation):
    lease(simulation, "ann").acquire()
    began = simulation.clock.seconds

    with pytest.raises(LeaseHeldError, match="ann"):
        lease(simulation, "bob", dead=False).acquire()

    assert simulation.clock.seconds == began


def test_a_process_that_is_known_to_be_dead_is_succeeded_at_once(simulation: Simulation):
    lease(simulation, "ann").acquire()
    began = simulation.clock.seconds
    bob = lease(simulation, "bob", dead=True)

    bob.acquire()

    bob.check()
    assert simulation.clock.seconds == began


def test_a_lease_that_is_not_renewed_expires(simulation: Simulation):
    ann, bob = lease(simulation, "ann"), lease(simulation, "bob")
    ann.acquire()
    began = simulation.clock.seconds

    bob.acquire()

    assert simulation.clock.seconds - began == leases.DURATION
    bob.check()
    with pytest.raises(LeaseHeldError, match="no longer holds"):
        ann.check()
    with pytest.raises(LeaseHeldError, match="bob has it"):
        ann.renew()


def test_a_run_that_could_not_renew_in_time_must_not_act(simulation: Simulation):
    ann = lease(simulation, "ann")
    ann.acquire()

    simulation.clock.sleep(leases.DURATION * 0.6)
    ann.check()
    simulation.clock.sleep(leases.DURATION * 0.1)

    with pytest.raises(LeaseHeldError, match="could not be renewed in time"):
        ann.check()


def test_a_run_may_act_again_once_its_lease_is_renewed_after_an_outage(simulation: Simulation):
    """Meanwhile it waits, and does not take the Lease for lost."""
    ann = lease(simulation, "ann")
    ann.acquire()
    simulation.clock.sleep(leases.DURATION * 5)
    with pytest.raises(TransientError):
        ann.check()

    ann.renew()

    ann.check()


def test_of_two_runs_that_want_a_free_lease_exactly_one_gets_it(simulation: Simulation):
    ann, bob = lease(simulation, "ann"), lease(simulation, "bob", dead=False)
    first = True

    def cut_in(_: str) -> None:
        nonlocal first
        if first:
            first = False
            ann.acquire()

    simulation.api.before_write = cut_in

    with pytest.raises(LeaseHeldError, match="ann"):
        bob.acquire()
    ann.check()


def test_a_lease_that_was_given_back_is_free(simulation: Simulation):
    ann, bob = lease(simulation, "ann"), lease(simulation, "bob", dead=False)
    ann.acquire()
    ann.release()

    bob.acquire()

    bob.check()
    with pytest.raises(LeaseHeldError):
        ann.check()


def test_a_run_takes_its_own_lease_again(simulation: Simulation):
    lease(simulation, "ann").acquire()
    again = lease(simulation, "ann")

    again.acquire()

    again.check()


def test_this_process_is_known_to_be_alive_and_an_earlier_one_to_be_dead():
    process = Holder.this_process().process
    boot, pid, started = process.split("/")

    assert leases.is_dead(process) is False
    assert leases.is_dead(f"{boot}/{pid}/{int(started) - 1}") is True
    assert leases.is_dead(f"another-machine/{pid}/{started}") is None
    assert leases.is_dead("") is None


def test_no_failure_of_a_renewal_ends_the_heartbeat():
    beaten = threading.Event()
    failures = [RuntimeError("a bug"), CredentialsExpiredError("expired"), OSError("no network")]

    class Failing(Lease):
        def __init__(self) -> None:
            pass

        def renew(self) -> None:
            if failures:
                raise failures.pop()
            beaten.set()

    heart = Heartbeat(Failing(), every=0.01)
    heart.start()
    assert beaten.wait(5)
    heart.stop()


def test_a_holder_that_slept_knows_that_its_lease_has_expired(simulation: Simulation):
    """The clock of the Lease goes on while the machine sleeps; that of waits does not."""
    world, slept = simulation.world(), 0.0
    time = replace(world.time, monotonic=lambda: simulation.clock.monotonic() + slept)
    ann = Lease(world.api, Holder("ann", "boot/ann/1"), time)
    ann.acquire()
    ann.check()

    slept = 3600.0

    with pytest.raises(LeaseHeldError, match="could not be renewed in time"):
        ann.check()


def test_a_heartbeat_renews_until_it_is_stopped():
    beaten = threading.Event()

    class Counting(Lease):
        def __init__(self) -> None:
            pass

        def renew(self) -> None:
            beaten.set()

    heart = Heartbeat(Counting(), every=0.01)
    heart.start()
    assert beaten.wait(5)
    heart.stop()
