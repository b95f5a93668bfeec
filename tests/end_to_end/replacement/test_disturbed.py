"""Twelve nodes are migrated while what disturbs clusters in the field happens at random times.

A webhook on evictions fails, credentials expire, an operator closes its budget, and a zone has no capacity.
The program waits until each of them has passed and completes in one run. Where it stops all the same, it says
why, and a second run continues. `EKS_CILIUM_SEED` repeats the times of a run, which prints its seed.
"""

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pytest

from lab.demo.comparison import Snapshot, replacement_checks
from lab.demo.prober import Prober, watching
from lab.disturbances import operators, timetable
from lab.disturbances.actors import PREFIX, act_as, kubeconfig_of
from lab.disturbances.credentials import SessionCredentials
from lab.disturbances.operators import SearchOperator
from lab.disturbances.timetable import Disturbance
from lab.disturbances.webhooks import Behaviour, EvictionWebhook
from lab.disturbances.zones import give_capacity_back, take_capacity_away
from lab.environment import Cloud
from lab.evidence.audit import EVICTION
from lab.evidence.pods import ended_otherwise
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.modes.conftest import Run
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(3600)]

NODES = 12
WITHIN, SECONDS = 100.0, (40.0, 60.0)
"""Disturbances begin within so many seconds of the first cordon, and last so long each."""

EARLY = (100.0, 150.0)
"""Seconds from the start of the program until the zone has capacity again."""

BROKEN = [each for each in Behaviour if each is not Behaviour.ALLOWS]
TRUE_REASONS = ("webhook", "expired", "budget", "capacity")
"""Words for what was going on, of which each error of a run that stopped has one."""

LIMIT = 3000.0


@dataclass
class Disturbed:
    existing: ExistingCluster
    prober: Prober
    lines: list[str]
    """What began and ended when."""
    runs: list[Run]
    after: Snapshot
    faults: list[str]


@dataclass
class Scene:
    """The actors of the disturbances, all of them at work."""

    cloud: Cloud
    credentials: SessionCredentials
    webhook: EvictionWebhook
    operator: SearchOperator

    def without_capacity(self, seed: int) -> list[timetable.Entry]:
        """Return a zone that is without capacity from the beginning, when the extra nodes are launched."""
        chance = random.Random(seed)
        zone, _ = chance.sample("abc", 2)
        return [timetable.Entry(self._zone(zone), 0, chance.uniform(*EARLY))]

    def disturbances(self, seed: int) -> list[Disturbance]:
        """Return the disturbances of the rotation, webhooks' behaviour and zone chosen by the seed."""
        _, zone = random.Random(seed).sample("abc", 2)
        first, second = random.Random(seed).sample(BROKEN, 2)
        return [
            self._zone(zone),
            self._webhook(first),
            self._webhook(second),
            Disturbance("the credentials' expiry", self.credentials.expire, self.credentials.renew),
            Disturbance(
                "a closed budget", partial(self.operator.close, LIMIT), partial(self.operator.close, 0)
            ),
        ]

    def _webhook(self, behaviour: Behaviour) -> Disturbance:
        def behave(how: Behaviour) -> None:
            self.webhook.behaviour = how

        name = f"a webhook that {behaviour.value}"
        return Disturbance(name, partial(behave, behaviour), partial(behave, Behaviour.ALLOWS))

    def _zone(self, letter: str) -> Disturbance:
        zone = f"{self.cloud.region}{letter}"
        begin = partial(take_capacity_away, self.cloud, zone, LIMIT)
        return Disturbance(f"no capacity in {zone}", begin, partial(give_capacity_back, self.cloud, zone))


@contextmanager
def staged(existing: ExistingCluster, faults: list[str]) -> Iterator[Scene]:
    """Set the actors to work in the cluster for the length of a `with` block."""
    cloud, kubeconfig = existing.aws.cloud, kubeconfig_of(existing.places, existing.kubectl.context)
    credentials = SessionCredentials(cloud, existing.places.directory / "credentials")
    credentials.admit_to(existing.kubectl.context)
    credentials.renew()
    operator = SearchOperator(act_as(kubeconfig, operators.ACTOR))
    operators.install(operator)
    webhook = EvictionWebhook(existing.places.directory)
    with ExitStack() as stack:
        stack.enter_context(operators.running(operator, lambda *fault: faults.append(" ".join(fault[:2]))))
        stack.enter_context(webhook.serving(act_as(kubeconfig, f"{PREFIX}webhook")))
        yield Scene(cloud, credentials, webhook, operator)


@pytest.fixture(scope="module")
def disturbed(make_existing: MakeExisting) -> Disturbed:
    seed = int(os.environ.get("EKS_CILIUM_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"seed {seed}: repeat it with EKS_CILIUM_SEED={seed}")
    existing = make_existing(ClusterSpec(nodes=NODES))
    faults: list[str] = []
    with staged(existing, faults) as scene:
        existing = replace(existing, credentials=scene.credentials, before=existing.now())
        later = timetable.plan(scene.disturbances(seed), seed, within=WITHIN, seconds=SECONDS)
        with watching(existing.kubectl) as prober:
            first, lines, failures = _first_run(existing, scene.without_capacity(seed), later)
            runs = [first] if first.code == 0 else [first, existing.up()]
    return Disturbed(existing, prober, lines, runs, existing.now(), faults + failures)


def _first_run(
    existing: ExistingCluster, early: list[timetable.Entry], later: list[timetable.Entry]
) -> tuple[Run, list[str], list[str]]:
    """Run the program with disturbances from its start and from the first cordon; all end with it."""
    with (
        timetable.running(early) as at_start,
        existing.started("up", "--yes", "--skip-preview") as running,
    ):
        running.wait_until(lambda: "cordoned" in running.output_so_far())
        with timetable.running(later) as record:
            code = running.wait(LIMIT)
        output = running.output_so_far()
    print(output)
    return Run(code, output), at_start.lines + record.lines, at_start.failures + record.failures


def test_it_completes_or_stops_with_a_true_reason_and_continues(disturbed: Disturbed) -> None:
    *stopped, last = disturbed.runs

    assert last.code == 0, last.output
    for run in stopped:
        reasons = [line.lower() for line in run.output.splitlines() if "error:" in line]
        assert reasons, run.output
        assert [line for line in reasons if not any(words in line for words in TRUE_REASONS)] == []


def test_the_cluster_passes_all_checks(disturbed: Disturbed) -> None:
    checks = replacement_checks(disturbed.existing.before, disturbed.after)

    assert [check for check in checks if not check.passed] == []


def test_no_budget_was_broken(disturbed: Disturbed) -> None:
    assert disturbed.prober.breaches == []
    assert "search/search" in {budget.key for budget in disturbed.prober.budgets}
    assert disturbed.existing.audit.unallowed_evictions() == []


def test_no_pod_ended_outside_an_eviction(disturbed: Disturbed) -> None:
    audit, after = disturbed.existing.audit, disturbed.after
    daemon_sets = {key.removeprefix("DaemonSet ") for key in after.workloads if key.startswith("DaemonSet ")}

    assert violations.only_evicted(audit) == []
    assert (
        ended_otherwise(audit, {*daemon_sets, "kube-system/aws-node"}, run_to_completion=["batch/clean-up"])
        == []
    )
    assert violations.evicted_only_where_cordoned(audit) == []


def test_each_old_instance_was_terminated_once_by_its_id(disturbed: Disturbed) -> None:
    existing = disturbed.existing

    assert violations.each_instance_terminated_once(existing.calls, existing.before) == []


def test_the_program_met_every_disturbance(disturbed: Disturbed) -> None:
    # Guards the test: a migration that is faster than the timetable would show nothing.
    existing, audit = disturbed.existing, disturbed.existing.audit
    assert disturbed.faults == []
    assert sum(line.endswith("begins") for line in disturbed.lines) == 6
    assert {event.code for event in audit.events() if event.resource == EVICTION} & {400, 403, 500}
    refused = "search" in {event.namespace for event in audit.forbidden_evictions()}
    assert refused or any("the disruption budget search" in run.output for run in disturbed.runs)
    activities = existing.aws.autoscaling.describe_scaling_activities()["Activities"]
    assert any("sufficient m7i.large capacity" in each.get("StatusMessage", "") for each in activities)
    expired = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
    assert any(call.error in expired for call in existing.calls.calls())


def test_a_second_preview_finds_nothing_to_do(disturbed: Disturbed) -> None:
    again = disturbed.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
