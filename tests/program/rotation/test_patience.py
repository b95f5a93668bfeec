"""What may pass is asked again until the drain timeout: webhooks, outages, an API server that is too busy."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import TransientError
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import LeaseHeldError, StoppedError, TimedOutError
from eks_cilium.troubleshooting import Topic

from .drains import Bench
from .migrations import QUICK, Before, Stack, options, run
from .simulation.api_server import status
from .simulation.cloud import refusal
from .simulation.webhooks import (
    Answer,
    Outage,
    Webhook,
    denial,
    denied_by_policy,
    not_called,
    not_permitted,
    too_busy,
)
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

PASSING: dict[str, Answer] = {
    "denied with 400": denial(400),
    "denied with 403": denial(403),
    "denied with 500": denial(500),
    "denied by a policy": denied_by_policy,
    "refused connection": not_called("dial tcp 10.0.0.7:443: connect: connection refused"),
    "time-out": not_called("context deadline exceeded"),
    "no endpoints": not_called('no endpoints available for service "guard"'),
    "too busy": too_busy,
    "gateway time-out": lambda _: httpx.Response(504, text="upstream request timeout"),
    "not ready": lambda pod: status(403, f'pods "{pod}" is forbidden: not yet ready to handle request'),
    "dropped": lambda _: httpx.ReadError("EOF"),
    "unauthenticated": lambda _: status(401, "Unauthorized"),
}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def shop() -> Simulation:
    simulation = Simulation(workers=2)
    simulation.deploy("web", 3, maxUnavailable=1)
    return simulation


def begun(simulation: Simulation, **chosen: object) -> tuple[Stack, str]:
    """A migration before its first drain, and the node that is drained first."""
    stack = Stack(simulation, options(**chosen), limits=replace(QUICK, termination=900))
    stack.up(until="ip-")
    return stack, simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"]


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING.keys())
def test_what_passes_within_the_drain_timeout_is_waited_for(bench: Bench, answer: Answer):
    bench.pod("web")
    webhook = Webhook(bench.simulation.clock, answer, seconds=60)
    bench.simulation.api.answers.append(webhook)

    assert bench.drain(drain_timeout_seconds=900).evicted == 1
    pauses = [late - early for early, late in zip(webhook.asked, webhook.asked[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= 16


@pytest.mark.parametrize("code", [400, 403, 500])
def test_what_a_webhook_says_is_shown_and_named_at_the_end(bench: Bench, code: int):
    bench.pod("db-0", "StatefulSet")
    bench.simulation.api.answers.append(Webhook(bench.simulation.clock, denial(code, "resync is at 40 %")))
    lines: list[str] = []

    with pytest.raises(TimedOutError, match=r"shop/db-0: .* denied the request: resync is at 40 %"):
        bench.drain(drain_timeout_seconds=120, report=lines.append)

    assert any("resync is at 40 %" in line for line in lines)
    assert bench.deletions == []


def test_a_user_without_the_right_is_stopped_at_once(bench: Bench):
    bench.pod("web")
    webhook = Webhook(bench.simulation.clock, not_permitted)
    bench.simulation.api.answers.append(webhook)

    with pytest.raises(StoppedError, match=r'HTTP 403: .*cannot create resource "pods/eviction"'):
        bench.drain()

    assert len(webhook.asked) == 1


def test_a_webhook_that_quotes_a_missing_right_is_asked_again(bench: Bench):
    bench.pod("web")
    words = 'User "ann" cannot create resource "pods/eviction" before noon'
    bench.simulation.api.answers.append(Webhook(bench.simulation.clock, denial(403, words), seconds=30))

    assert bench.drain().evicted == 1


def test_a_malformed_eviction_is_final(bench: Bench):
    bench.pod("web")
    webhook = Webhook(
        bench.simulation.clock, lambda _: status(400, "name in URL does not match name in Eviction")
    )
    bench.simulation.api.answers.append(webhook)

    with pytest.raises(StoppedError, match="HTTP 400: name in URL does not match"):
        bench.drain()

    assert len(webhook.asked) == 1


def test_a_webhook_in_the_way_of_a_deletion_is_waited_for(bench: Bench):
    bench.simulation.deploy("web", 2, maxUnavailable=0)
    bench.pod("web-x", metadata={"labels": {"app": "web"}})
    until = bench.simulation.clock.seconds + 45

    def deny(request: httpx.Request) -> httpx.Response | Exception | None:
        late = bench.simulation.clock.seconds >= until
        return None if late or request.method != "DELETE" else denial(403)("web-x")

    bench.simulation.api.answers.append(deny)

    assert bench.drain(budgets=("*/*",)).deleted == 1


def test_an_eviction_that_was_accepted_and_not_carried_out_is_asked_for_again(bench: Bench):
    """Webhooks of some operators turn an eviction into a dry run, and delete the pod when it may go."""
    bench.pod("web")
    webhook = Webhook(bench.simulation.clock, lambda _: status(201, ""), seconds=20)
    bench.simulation.api.answers.append(webhook)

    drained = bench.drain(drain_timeout_seconds=300)

    assert not bench.exists("web")
    assert drained.evicted == 1


@pytest.mark.parametrize("seconds", [15, 60, 600])
@pytest.mark.parametrize(
    ("begins", "method"),
    [("/eviction$", "POST"), ("/pods$", "GET"), ("/nodes/", "PATCH"), ("/nodes/", "GET"), ("", "DELETE")],
    ids=["at an eviction", "at a list", "at a cordon", "at a node", "at a deletion"],
)
def test_an_outage_of_the_api_server_costs_time_and_nothing_else(seconds: int, begins: str, method: str):
    simulation = shop()
    before = Before(simulation)
    stack, _ = begun(
        simulation,
        drain_timeout_seconds=900,
        replacement_timeout_seconds=900,
        health_timeout_seconds=900,
    )
    outage = Outage(simulation.clock, seconds=seconds, begins=begins, method=method)
    simulation.api.answers.append(outage)

    stack.up()

    assert outage.since is not None
    before.check_replaced()


def test_an_api_server_that_stays_away_is_named_and_the_node_is_uncordoned_when_it_is_back():
    simulation = shop()
    stack, name = begun(simulation, drain_timeout_seconds=60)
    simulation.api.answers.append(Outage(simulation.clock, seconds=200, begins="/eviction$"))

    with pytest.raises(StoppedError, match=r"the API server does not answer") as error:
        stack.up()

    node = simulation.node(name)
    assert node is not None
    assert not is_cordoned(node)
    assert f"Node {name} is uncordoned." in str(error.value)


def test_a_node_that_could_not_be_uncordoned_is_named_with_the_way_to_do_it():
    simulation = shop()
    stack, name = begun(simulation, drain_timeout_seconds=60)
    simulation.api.answers.append(Outage(simulation.clock, seconds=1e9, begins="/eviction$"))

    with pytest.raises(StoppedError, match=f"Node {name} is still cordoned.*kubectl uncordon {name}"):
        stack.up()


def test_a_webhook_in_the_way_of_the_uncordon_is_waited_for():
    simulation = shop()
    _, name = begun(simulation)
    simulation.api.answers.append(Webhook(simulation.clock, denial(403)))
    until: list[float] = []

    def deny(request: httpx.Request) -> httpx.Response | None:
        if b'"unschedulable": null' not in request.content:
            return None
        until[:] = until or [simulation.clock.seconds + 40]
        return status(403, "frozen") if simulation.clock.seconds < until[0] else None

    simulation.api.answers.append(deny)

    with pytest.raises(TimedOutError):
        steps.rotate_node(run(simulation.world(), options(drain_timeout_seconds=30)), name)

    node = simulation.node(name)
    assert node is not None
    assert not is_cordoned(node)
    assert not marks.is_ours(node)


def test_throttling_by_aws_costs_time_and_nothing_else():
    simulation = shop()
    before = Before(simulation)
    stack, _ = begun(simulation, replacement_timeout_seconds=900)
    throttle(simulation, seconds=300)

    stack.up()

    before.check_replaced()


def test_a_node_that_an_earlier_run_left_cordoned_is_uncordoned_where_aws_stays_away():
    simulation = shop()
    _, name = begun(simulation)
    node = simulation.node(name)
    assert node is not None
    marks.cordon(simulation.world().api, node)
    throttle(simulation, seconds=1e9)

    with pytest.raises(StoppedError, match=f"Node {name} is uncordoned."):
        steps.rotate_node(run(simulation.world(), options()), name)

    assert not is_cordoned(node)


def throttle(simulation: Simulation, seconds: float) -> None:
    """Every call of AWS is refused for so long, a moment later."""
    client, since = simulation.cloud.client, simulation.clock.seconds + 3

    class Throttled:
        def __init__(self, service: str) -> None:
            self._client = client(service)

        def __getattr__(self, operation: str) -> Any:
            if since < simulation.clock.seconds < since + seconds:
                raise refusal("RequestLimitExceeded", "Request limit exceeded.", operation)
            return getattr(self._client, operation)

    simulation.cloud.client = Throttled  # type: ignore[method-assign]


def test_a_guard_that_is_unsure_is_waited_for_and_nothing_is_written_meanwhile(bench: Bench):
    """As while the API server is away, when the Lease cannot be renewed."""
    bench.pod("web")
    until = bench.simulation.clock.seconds + 50

    def guard() -> None:
        if bench.simulation.clock.seconds < until:
            raise TransientError("the Lease could not be renewed in time")

    assert bench.drain(bench.simulation.world(guard=guard), drain_timeout_seconds=120).evicted == 1
    assert bench.simulation.clock.seconds >= until


def test_a_lease_that_another_run_holds_ends_the_drain(bench: Bench):
    bench.pod("web")

    def guard() -> None:
        raise LeaseHeldError(Topic.LEASE_HELD, "bob has it")

    with pytest.raises(LeaseHeldError):
        bench.drain(bench.simulation.world(guard=guard))

    assert bench.asked == []
