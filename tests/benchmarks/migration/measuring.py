"""Runs one program on a fresh cluster, and reads from the logs what it needed.

The lab's times are short, so that a whole comparison takes minutes; `DELAYS` has those that differ from the
lab's own. What the lab itself adds (API server, controllers, emulated nodes) is part of every run, and of the
times that the floor is calculated from: they are measured in the same run.
"""

import json
import os
import shutil
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from lab import lifecycle, program
from lab.demo.prober import following, watching
from lab.demo.replacement import STACK
from lab.environment import Places
from lab.evidence.audit import AuditLog
from lab.evidence.calls import Call, CallLog
from lab.evidence.pods import ended_otherwise
from lab.progress import print_progress
from lab.sample_cluster.clients import CommandFailedError, Kubectl
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec
from tests.benchmarks.migration import services
from tests.benchmarks.migration.contestants import Contestant
from tests.benchmarks.migration.floor import Cluster, Moving, OldNode, Width, floor
from tests.benchmarks.migration.recorder import NODE_LINE, Nodes, Recorder

ENGINEER = "arn:aws:iam::123456789012:user/engineer"
GROUPS = ZONES = 3
DELAYS = lifecycle.Delays(
    cloud={
        "instance_pending": 4.0,
        "asg_launch": 4.0,
        "node_boot": 16.0,
        "instance_shutting_down": 8.0,
        "asg_terminating": 8.0,
        "node_delete_after_termination": 2.0,
    },
    nodes={"readinessSeconds": 4.0},
)
_LONGEST = 3600.0
"""Seconds after which a program is killed."""
_RAISES = ("UpdateAutoScalingGroup", "SetDesiredCapacity", "UpdateNodegroupConfig")
_OF_EVERY_NODE = (
    "kube-system/aws-node",
    "kube-system/cilium",
    "kube-system/cilium-envoy",
    "kube-system/kube-proxy",
    "kube-system/ebs-csi-node",
    "kube-system/eks-pod-identity-agent",
)


@dataclass(frozen=True)
class Measured:
    """What one program needed for the whole cluster."""

    name: str
    at_once: str
    ended_well: bool
    nodes: int
    pods: int
    whole: float
    """Seconds from the start of its process to its end."""
    replacing: float
    """Seconds from the first request of instances to the last termination of an old node."""
    floor: float
    """The least that `replacing` could be, at the same width."""
    requests: int
    """To the API server."""
    evicted: int
    calls: int
    """To AWS."""
    ended_otherwise: list[str]
    """Pods that ended without an eviction."""
    breaches: int
    """Moments at which a budget had too few ready pods."""
    unavailable: float
    """Seconds in which services had too few ready pods, of all services."""
    busy: float
    """Share of the machine's CPU that was used during the run."""
    own: float
    """Share of the machine's CPU that the program used, with what it started."""
    left: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the start of the process, and how many old nodes were left from then on."""
    times: dict[str, float] = field(default_factory=dict)
    """What the floor was calculated from: seconds of a launch, of a stop and of a start in the middle."""

    @property
    def requests_a_node(self) -> float:
        """Requests to the API server a node, besides one for each pod that moved."""
        return (self.requests - self.evicted) / self.nodes

    @property
    def calls_a_node(self) -> float:
        return self.calls / self.nodes


def log_of(places: Places, contestant: Contestant) -> Path:
    """Return the file with the output of a program, which outlives its lab, as do the logs beside it."""
    folder = places.cache / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{contestant.name} at {contestant.at_once}.log".replace(" ", "-")


def measure(places: Places, contestant: Contestant, nodes: int, pods: int) -> Measured:
    """Run a program on a fresh cluster of so many nodes and pods."""
    lifecycle.down(places, print_progress)
    lifecycle.up(places, print_progress, DELAYS)
    program.provide_chart(places, print_progress, STACK)
    spec = ClusterSpec(nodes=nodes, groups=GROUPS, zones=ZONES, workloads=())
    kubectl = create_cluster(places, spec, print_progress)
    count = services.create(kubectl, pods)
    before = _Before.read(kubectl)
    seen = _Seen(Recorder(required=before.required), Nodes())
    with (
        contestant.prepared(kubectl) as started,
        watching(kubectl, seen.pods),
        following(kubectl, "nodes", NODE_LINE, seen.nodes.read),
    ):
        log = log_of(places, contestant)
        run = _Run.of(started.command, started.environment, started.folder, log)
        unavailable = seen.pods.seconds_unavailable()
    reading = _Reading(contestant, kubectl, before, seen, run)
    reading.keep_logs()
    return reading.measured(count, unavailable)


@dataclass(frozen=True)
class _Seen:
    pods: Recorder
    nodes: Nodes


@dataclass(frozen=True)
class _Before:
    """The cluster before the run."""

    nodes: dict[str, str]
    """The group of each node."""
    pods: dict[str, list[str]]
    """The services of the pods on each node."""
    instances: dict[str, str]
    """The instance of each node."""
    allowed: dict[str, int]
    """How many pods of each service may be missing by its budget."""
    required: dict[str, int]
    """How many pods of each service its budget requires."""
    stateful: frozenset[str]

    @classmethod
    def read(cls, kubectl: Kubectl) -> "_Before":
        pods: dict[str, list[str]] = defaultdict(list)
        stateful = set()
        for pod in _items(kubectl, "pods"):
            service = pod["metadata"]["labels"]["app"]
            pods[pod["spec"]["nodeName"]].append(service)
            if pod["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet":
                stateful.add(service)
        nodes = {node["metadata"]["name"]: node for node in _items(kubectl, "nodes")}
        budgets = {each["metadata"]["name"]: each["status"] for each in _items(kubectl, "pdb")}
        return cls(
            nodes={
                name: node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"]
                for name, node in nodes.items()
            },
            instances={name: node["spec"]["providerID"].rpartition("/")[2] for name, node in nodes.items()},
            pods=pods,
            allowed={name: each["expectedPods"] - each["desiredHealthy"] for name, each in budgets.items()},
            required={name: each["desiredHealthy"] for name, each in budgets.items()},
            stateful=frozenset(stateful),
        )


def _items(kubectl: Kubectl, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "-n", services.NAMESPACE, "-o", "json"))[
        "items"
    ]
    return found


@dataclass(frozen=True)
class _Run:
    """A process from its start to its end."""

    began: float
    ended: float
    status: int
    own_cpu: float
    """Seconds of CPU of the process and its descendants."""
    all_cpu: float
    """Seconds of CPU of the whole machine."""

    @classmethod
    def of(cls, command: list[str], environment: Mapping[str, str], folder: Path, log: Path) -> "_Run":
        with log.open("wb") as output:
            began, busy = time.time(), _busy()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            status, own = _wait(process)
            return cls(began, time.time(), status, own, _busy() - busy)

    def share(self, cpu: float) -> float:
        return cpu / (self.ended - self.began) / (os.cpu_count() or 1)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """The status of a process, and the seconds of CPU that it used with its descendants."""
    deadline = time.monotonic() + _LONGEST
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, used.ru_utime + used.ru_stime
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.1)


def _busy() -> float:
    """Seconds of CPU that the machine has used since its start, idle time and waits for disks left out."""
    user, nice, system, _, _, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    used = (user, nice, system, *interrupts[:2])
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


class _Reading:
    """Reads the logs of one run."""

    def __init__(
        self, contestant: Contestant, kubectl: Kubectl, before: _Before, seen: _Seen, run: _Run
    ) -> None:
        self._contestant, self._before, self._seen, self._run = contestant, before, seen, run
        self._log = log_of(kubectl.places, contestant)
        directory = kubectl.places.directory
        audit = directory / "clusters" / kubectl.context / "audit.jsonl"
        self._audit = AuditLog(audit, datetime.fromtimestamp(run.began, UTC))
        self._calls = CallLog(directory / "calls.jsonl", run.began)

    def keep_logs(self) -> None:
        """Keep what the API server and the cloud have recorded, beside the output of the program."""
        for log in (self._audit.path, self._calls.path):
            shutil.copy(log, self._log.with_suffix(f".{log.name}"))

    def measured(self, pods: int, unavailable: float) -> Measured:
        run, began, launch = self._run, self._raised(), self._launch()
        cluster = Cluster(self._old_nodes(), self._before.allowed, launch)
        stops, starts = self._seen.pods.stops(), self._seen.pods.starts()
        return Measured(
            name=self._contestant.name,
            at_once=self._contestant.at_once,
            ended_well=run.status == 0,
            nodes=len(self._before.nodes),
            pods=pods,
            whole=run.ended - run.began,
            replacing=self._terminated()[-1] - began,
            floor=floor(cluster, self._width(), in_turn=self._contestant.in_turn),
            requests=sum(event.time.timestamp() <= run.ended for event in self._audit.asked_by(ENGINEER)),
            evicted=len(self._audit.evictions()),
            calls=sum(self._is_own(call) for call in self._calls.calls()),
            ended_otherwise=ended_otherwise(self._audit, _OF_EVERY_NODE),
            breaches=len(self._seen.pods.breaches),
            unavailable=unavailable,
            busy=run.share(run.all_cpu),
            own=run.share(run.own_cpu),
            left=self._left(),
            times={
                "launch": launch,
                "stop": median(stops.values()),
                "start": median(starts.values()),
            },
        )

    def _is_own(self, call: Call) -> bool:
        return call.principal == ENGINEER and call.time <= self._run.ended

    def _raised(self) -> float:
        """When the program first asked for more instances."""
        times = [call.time for call in self._calls.accepted(*_RAISES) if self._is_own(call)]
        if not times or not self._terminated():
            message = f"{self._contestant.name} replaced nothing; its last lines:\n{self._last_lines()}"
            raise CommandFailedError(message)
        return min(times)

    def _last_lines(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def _launch(self) -> float:
        """Seconds from that request until pods could move to a node, in the middle of the first new nodes."""
        usable = sorted(
            since for name, since in self._seen.nodes.usable.items() if name not in self._before.nodes
        )
        width = self._width()
        first = next(iter(width.extra.values())) if self._contestant.in_turn else sum(width.extra.values())
        return median(usable[:first]) - self._raised()

    def _width(self) -> Width:
        return self._contestant.width(dict(Counter(self._before.nodes.values())))

    def _terminated(self) -> list[float]:
        """When the program ended the instances of old nodes, in order."""
        old = set(self._before.instances.values())
        calls = self._calls.accepted("TerminateInstanceInAutoScalingGroup", "TerminateInstances")
        return sorted(
            call.time for call in calls if self._is_own(call) and old.intersection(call.parameters.values())
        )

    def _left(self) -> list[tuple[float, int]]:
        ended = {
            event.name: event.time.timestamp()
            for event in self._audit.events()
            if event.resource == "nodes" and event.verb == "delete" and event.succeeded
        }
        gone = sorted(at - self._run.began for name, at in ended.items() if name in self._before.nodes)
        count = len(self._before.nodes)
        return [(0.0, count), *((at, count - number) for number, at in enumerate(gone, 1))]

    def _old_nodes(self) -> tuple[OldNode, ...]:
        stops, starts = self._seen.pods.stops(), self._seen.pods.starts()

        def moving(service: str) -> Moving:
            # The next pod of a StatefulSet is created when the one before it has ended.
            waits = stops[service] if service in self._before.stateful else 0.0
            budget = service if service in self._before.allowed else ""
            return Moving(stops[service], waits + starts[service], budget)

        return tuple(
            OldNode(name, group, tuple(moving(service) for service in self._before.pods.get(name, ())))
            for name, group in self._before.nodes.items()
        )
