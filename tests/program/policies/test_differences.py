"""What a change of policies opens and closes between running pods."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    Intent,
    Pods,
    Policy,
    deny_by_default,
    policy_pair,
)
from eks_cilium.policy.overview.differences import Differences, differences, key_of, with_policies
from eks_cilium.policy.verdict import Decision, Evaluator, Flow, Port
from eks_cilium.policy.verdict.live import LiveCluster
from tests.program.policies.test_effects import running
from tests.program.verdict.generation import Generator

pytestmark = pytest.mark.unit

CLIENT = Pods("one", "shop", {"app": "checkout"})
SERVER = Destination("two", "payments", {"app": "api"})
PAIR = policy_pair(Intent("pay", CLIENT, SERVER))
SHOP = {"shop/checkout-0": "app=checkout", "shop/web-0": "app=web"}
PAYMENTS = {"payments/api-0": "app=api", "payments/db-0": "app=db"}


def compared(
    wanted: Sequence[Policy], existing: Sequence[Policy] = (), removed: Sequence[Policy] = ()
) -> Differences:
    live = [
        running(name, pods, [policy for policy in existing if policy.cluster == name])
        for name, pods in (("one", SHOP), ("two", PAYMENTS))
    ]
    gone = {key_of(policy) for policy in removed}
    return differences(live, [with_policies(each.cluster, wanted, gone) for each in live])


def closed(found: Differences) -> list[str]:
    return found.lines(opens=False, most=20)


def opened(found: Differences) -> list[str]:
    return found.lines(opens=True, most=20)


def test_a_first_policy_closes_what_it_does_not_name_and_opens_nothing() -> None:
    found = compared(PAIR)

    assert closed(found) == [
        "one/shop/web, two/payments/db, world -> two/payments/api at every port",
        "one/shop/checkout -> world at every port",
        "one/shop/checkout -> one/shop/web at every port",
        "one/shop/checkout -> two/payments/db at every port",
    ]
    assert opened(found) == []


def test_policies_that_exist_already_change_nothing() -> None:
    found = compared(PAIR, PAIR)

    assert (closed(found), opened(found)) == ([], [])


def test_an_intent_into_a_default_deny_opens_its_flow_alone() -> None:
    denied = [
        deny_by_default(DefaultDeny(Pods("two", "payments"))),
        deny_by_default(DefaultDeny(Pods("one", "shop"))),
    ]

    found = compared([*denied, *PAIR], denied)

    assert opened(found) == ["one/shop/checkout -> two/payments/api at every port"]
    assert closed(found) == []


def test_what_the_stack_removes_is_taken_away() -> None:
    found = compared([], PAIR, PAIR)

    assert closed(found) == []
    assert "one/shop/checkout -> world at every port" in opened(found)


def test_a_port_more_opens_this_port() -> None:
    def pair(*ports: Any) -> tuple[Policy, ...]:
        from eks_cilium.policy.objects import parse_ports

        to = Destination("two", "payments", {"app": "api"}, tuple(map(parse_ports, ports)))
        return tuple(policy_pair(Intent("pay", CLIENT, to)))

    found = compared(pair("80/TCP", "8000-8100/TCP"), pair("80/TCP"))

    assert opened(found) == ["one/shop/checkout -> two/payments/api at 8000-8100/TCP"]


def test_only_some_of_many_lines_are_shown() -> None:
    assert compared(PAIR).lines(opens=False, most=1)[-1] == "and 3 more"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_exactly_the_flows_whose_decision_changes_are_named(seed: int) -> None:
    generator = Generator(seed)
    before, after = generator.case(), generator.case()
    policies = [policy for cluster in after.clusters for policy in cluster.policies]
    live = [
        LiveCluster(
            cluster, running(cluster.name, SHOP if cluster.name == "cluster-1" else PAYMENTS).workloads, 0
        )
        for cluster in before.clusters
    ]
    later = [with_policies(each.cluster, policies) for each in live]

    found = differences(live, later)

    old, new = Evaluator(each.cluster for each in live), Evaluator(later)
    pods = [workload.pod for each in live for workload in each.workloads]
    for source in pods:
        for to in pods:
            flow = Flow(source, to, Port(80))
            if source is to:
                continue
            decisions = old.evaluate(flow).decision, new.evaluate(flow).decision
            named = {
                each.opens
                for each in found.openings
                if each.destination.name == to.labels["app"]
                and any(map(_holds, each.ports))
                and any(place.name == source.labels["app"] for place in each.sources)
            }
            expected = {
                (Decision.DENIED, Decision.ALLOWED): {True},
                (Decision.ALLOWED, Decision.DENIED): {False},
            }.get(decisions, set())
            assert named == expected, (flow, decisions)


def _holds(port: str) -> bool:
    numbers, _, protocol = port.partition("/")
    if protocol not in ("", "TCP"):
        return False
    if numbers == "every port":
        return True
    first, _, last = numbers.partition("-")
    return int(first) <= 80 <= int(last or first)
