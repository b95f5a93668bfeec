"""The cluster and the AWS account that a run reads and changes: one value, handed down.

`dynamic/` makes one per operation with `World.of_eks`; tests make one over a simulated world. Nothing in
`eks_cilium/migration/` reads a clock, sleeps or makes a client by itself.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from eks_cilium.clients.autoscaling import AutoScaling, found_group
from eks_cilium.clients.aws import AwsClients
from eks_cilium.clients.ec2 import Ec2
from eks_cilium.clients.eks import Eks
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.clients.load_balancers import LoadBalancers
from eks_cilium.runtime.clock import Time, including_sleep
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.runtime.fleet import SOON, Fleet
from eks_cilium.runtime.journal import Journal
from eks_cilium.runtime.lease import Holder, Lease
from eks_cilium.runtime.locks import Locks
from eks_cilium.runtime.record import Record
from eks_cilium.runtime.view import View, in_threads
from eks_cilium.runtime.waiting import Polls, pause, persist, unguarded
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eks_cilium.clients.autoscaling import GroupState
    from eks_cilium.clients.aws import Credentials
    from eks_cilium.runtime.lease import Leases
    from eks_cilium.runtime.process import Views

Report = Callable[[str], None]

_STALE_SECONDS = 2.0
"""Before an answer of AWS that lacks what should exist is asked for again."""
Kept = TypeVar("Kept")


def in_thread(act: Callable[[], None]) -> None:
    """Call a function in a thread that ends with the process at the latest."""
    threading.Thread(target=act, daemon=True).start()


@dataclass(frozen=True)
class World:
    """One cluster and the AWS account it is in."""

    cluster: str
    api: KubernetesApi
    aws: Callable[[str], Any]
    """Returns the boto3 client of a service, by the name of the service."""
    view: View | None = None
    """What this process watches of the cluster; see `seen`."""
    fleet: Fleet | None = None
    """What this process knows of AWS; see `groups_seen`."""
    time: Time = field(default_factory=Time)
    journal: Journal = field(default_factory=Journal.nowhere)
    guard: Callable[[], None] = unguarded
    """Called before every change; raises LeaseHeldError when this run must not act any more."""
    locks: Locks = field(default_factory=Locks)
    """Shared by the threads of one process, which may change one cluster at the same time."""
    spawn: Callable[[Callable[[], None]], None] = in_thread
    """Has a function called in a thread of its own."""
    is_cancelled: Callable[[], bool] = lambda: False
    """Whether the user has pressed Ctrl-C: what was begun is finished, and nothing else is begun."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """The same for everything that one `pulumi up` does, and another for the next."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment variables of this process, which tell whether it runs in a pod of the cluster."""

    @classmethod
    @contextmanager
    def of_eks(
        cls,
        *,
        cluster_name: str,
        endpoint: str,
        certificate_authority: bytes,
        credentials: Credentials,
        leases: Leases,
        locks: Locks,
        views: Views,
        run_id: str,
        is_cancelled: Callable[[], bool] = lambda: False,
        journal: Journal | None = None,
    ) -> Iterator[World]:
        """Connect to an EKS cluster. The first call of the guard acquires its Lease for this process."""

        def connect() -> KubernetesApi:
            return KubernetesApi.for_eks(
                cluster_name=cluster_name,
                endpoint=endpoint,
                certificate_authority=certificate_authority,
                credentials=credentials,
                is_known=leases.has(endpoint),
            )

        def lease() -> Lease:
            return Lease(connect(), Holder.this_process(), Time(monotonic=including_sleep()))

        def hold() -> None:
            leases.held(endpoint, lease).check()

        def watched() -> tuple[View, Fleet]:
            time = Time()
            return View(connect(), time, in_threads), Fleet(time.monotonic)

        view, fleet = views.of(endpoint, watched)
        with connect() as api:
            world = cls(
                cluster=cluster_name,
                api=api,
                view=view,
                fleet=fleet,
                aws=AwsClients(credentials),
                journal=journal or Journal.nowhere(),
                guard=hold,
                locks=locks,
                run_id=run_id,
                is_cancelled=is_cancelled,
                environment=os.environ,
            )
            yield world.observed()

    def observed(self) -> Self:
        """The same; from now on its view takes over what this world's own requests are answered."""
        if self.view is not None:
            self.api.observe(self.view.note)
        return self

    @property
    def seen(self) -> View | KubernetesApi:
        """For readings that may be a moment old: the view of this process, else the API server itself."""
        return self.api if self.view is None else self.view

    @property
    def record(self) -> Record:
        """The record of the cluster, which of all processes only the one with the Lease changes."""
        return Record(self.api, self.seen)

    @property
    def groups(self) -> AutoScaling:
        """Asked of AWS each time; for what does not change at this very moment see `groups_seen`."""
        return AutoScaling(
            self.aws("autoscaling"),
            pause=lambda: self.time.sleep(_STALE_SECONDS),
            changed=self.fleet.outdate if self.fleet else lambda: None,
        )

    @property
    def instances(self) -> Ec2:
        return Ec2(self.aws("ec2"))

    def groups_seen(self, names: Iterable[str], max_age: float = SOON) -> dict[str, GroupState]:
        """Groups by name as AWS said at most `max_age` seconds ago; see `AutoScaling.groups`."""
        if self.fleet is None:
            return self.groups.groups(names)
        return self.fleet.groups(self.groups, names, max_age)

    def group_seen(self, name: str, max_age: float = SOON) -> GroupState:
        """The same for one group. Raises RefusedError when it does not exist."""
        return found_group(name, self.groups_seen([name], max_age))

    def state_seen(self, instance: str, max_age: float = SOON) -> str:
        """EC2's state of an instance as it was at most `max_age` seconds ago; see `Ec2.states`."""
        if self.fleet is None:
            return self.instances.state(instance)
        return self.fleet.states(self.instances, [instance], max_age)[instance]

    def shared(self, name: str, max_age: float, ask: Callable[[], Kept]) -> Kept:
        """What `ask` returned to any thread at most `max_age` seconds ago; see `Fleet.shared`."""
        return ask() if self.fleet is None else self.fleet.shared(name, max_age, ask)

    def remembered(self, name: str, ask: Callable[[], tuple[str, float]]) -> str:
        """The answer of `ask`, which comes with the seconds it holds for; asked each time without a view."""
        return ask()[0] if self.view is None else self.view.remembered(name, ask)

    def wake(self) -> None:
        """Have what waits in this process read again."""
        if self.view is not None:
            self.view.wake()

    def outdate(self) -> None:
        """Take what AWS said for out of date: this process has changed something by other means."""
        if self.fleet is not None:
            self.fleet.outdate()

    @property
    def load_balancers(self) -> LoadBalancers:
        """Those that have the tags of this cluster."""
        return LoadBalancers(self.aws("elbv2"), self.aws("elb"), self.cluster)

    @property
    def eks(self) -> Eks:
        """The cluster's add-ons and node groups."""
        return Eks(self.aws("eks"), self.cluster)

    def lock(self, group: str) -> threading.Lock:
        """Held from reading an Auto Scaling group to acting on what was read.

        Pulumi serves dynamic providers from four threads of one process, so several rotations may read the
        same group at once. Runs in other processes are kept out by the cluster's Lease.
        """
        return self.locks.of(f"{self.cluster}/{group}")

    def note(self, event: str, **values: Any) -> None:
        self.journal.note(self.time.now(), event, **values)

    def wait(
        self,
        missing: Callable[[], str],
        *,
        waited_for: str,
        seconds: float,
        every: float,
        report: Report,
        readings: int = 1,
        since_progress: bool = False,
        topic: Topic = Topic.TIMED_OUT,
        wakes: bool = False,
    ) -> None:
        """Read until nothing is missing, in so many `readings` in a row. Raises TimedOutError.

        `missing` returns one sentence that says what is missing, or an empty string. A sentence is reported
        when it differs from the one before; with `since_progress` the time limit counts anew from there. A
        request without an answer counts as missing. `topic` is where the page for users explains the error.
        Where what is read is watched, `wakes` has it read again as soon as something changes.
        """
        last, reported, sentence, good = "", "", "", 0
        polls = self.polls(seconds=seconds, every=every, wakes=wakes)
        for _ in polls:
            with polls.asking():
                sentence = missing()
            good = 0 if sentence or polls.unanswered else good + 1
            if good >= readings:
                return
            if (now := polls.unanswered or sentence) and now != reported:
                report(now)
                reported = now
            if sentence and sentence != last:
                last = sentence
                if since_progress:
                    polls.restart()
        last_reading = polls.unanswered or sentence or last or "it did not last"
        raise TimedOutError(waited_for, seconds, last_reading, topic=topic)

    def persist(self, act: Callable[[], Kept], *, seconds: float, every: float, report: Report) -> Kept:
        """Act again as often as a request in it is not answered; see `waiting.persist`."""
        return persist(self.time, act, seconds=seconds, every=every, report=report)

    def polls(self, *, seconds: float, every: float, wakes: bool = False) -> Polls:
        """The loop under `wait`, for what has to act between readings."""
        rest = self.view.rest if self.view and wakes else None
        return Polls(self.time, seconds=seconds, every=every, guard=self.guard, rest=rest)

    def pause(self, *, seconds: float, every: float) -> None:
        """Wait for a fixed time, in seconds."""
        pause(self.time, seconds=seconds, every=every, guard=self.guard)
