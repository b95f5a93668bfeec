"""What really happened to a cluster, from those who can not be fooled: API server and cloud.

`AuditLog` reads the API server's audit log, `CallLog` the cloud's log of AWS calls. The program's own journal
and output are claims; tests check them against this.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

EVICTION = "pods/eviction"
NODES_OWN = ("lab:node-player", "lab:admin", "system:")
"""Users that are a cluster's own: kubelets, the cloud's controllers, Kubernetes' controllers."""


@dataclass(frozen=True)
class Event:
    """One answered request to the API server."""

    time: datetime
    user: str
    verb: str
    resource: str
    """With its subresource, as in `pods/eviction`."""
    namespace: str
    name: str
    code: int
    body: Any = field(repr=False, default=None)
    """What was sent: an object, options, or a patch."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def succeeded(self) -> bool:
        return 200 <= self.code < 300

    @property
    def by_the_cluster(self) -> bool:
        return self.user.startswith(NODES_OWN)

    @classmethod
    def read(cls, line: str) -> "Event":
        entry = json.loads(line)
        what = entry["objectRef"]
        parts = [what["resource"], what.get("subresource", "")]
        return cls(
            time=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
            user=entry["user"]["username"],
            verb=entry["verb"],
            resource="/".join(part for part in parts if part),
            namespace=what.get("namespace", ""),
            name=what.get("name", ""),
            code=entry["responseStatus"]["code"],
            body=entry.get("requestObject"),
        )


@dataclass(frozen=True)
class AuditLog:
    """The audit log of one API server, or the part of it from some moment on."""

    path: Path
    since: datetime | None = None

    def events(self) -> list[Event]:
        """Everything written so far, oldest first."""
        return [event for event in self.all_events() if self._counts(event)]

    def all_events(self) -> list[Event]:
        """Also what was before the moment from which on it counts."""
        text = self.path.read_text()
        whole = text[: text.rfind("\n") + 1]
        return sorted((Event.read(line) for line in whole.splitlines()), key=lambda event: event.time)

    def _counts(self, event: Event) -> bool:
        return self.since is None or event.time >= self.since

    def of(self, resource: str, *verbs: str) -> list[Event]:
        """Requests that succeeded, about a resource."""
        return [
            event
            for event in self.events()
            if event.resource == resource and event.succeeded and (not verbs or event.verb in verbs)
        ]

    def evictions(self) -> list[Event]:
        """Pods that were evicted."""
        return self.of(EVICTION, "create")

    def forbidden_evictions(self) -> list[Event]:
        """Evictions that a budget did not allow at the time."""
        return [event for event in self.events() if event.resource == EVICTION and event.code == 429]

    def deletions_by_people(self) -> list[Event]:
        """Pods that somebody deleted outright, past every budget."""
        deleted = self.of("pods", "delete", "deletecollection")
        return [event for event in deleted if not event.by_the_cluster]

    def cordons(self) -> dict[str, list[bool]]:
        """What each node was told about being schedulable, in order, without repetitions."""
        told: dict[str, list[bool]] = {}
        for event in self.of("nodes", "patch", "update"):
            for value in _unschedulable(event.body, event.verb):
                earlier = told.setdefault(event.name, [])
                if (earlier[-1] if earlier else False) is not value:
                    earlier.append(value)
        return {node: values for node, values in told.items() if values}

    def evictions_by_node(self) -> dict[str, list[Event]]:
        """Evicted pods by the node on which the scheduler had put them."""
        homes: dict[str, str] = {}
        found: dict[str, list[Event]] = {}
        for event in self.all_events():
            if event.resource == "pods/binding" and event.succeeded:
                homes[event.key] = event.body["target"]["name"]
            elif event.resource == EVICTION and event.succeeded and self._counts(event):
                found.setdefault(homes.get(event.key, "unknown"), []).append(event)
        return found

    def desired(self, daemon_set: str) -> list[int]:
        """On how many nodes a DaemonSet of kube-system was wanted, each time that it changed."""
        counts = [
            event.body["status"].get("desiredNumberScheduled", 0)
            for event in self.of("daemonsets/status", "update", "patch")
            if event.name == daemon_set
        ]
        return [count for count, _ in groupby(counts)]

    def unallowed_evictions(self) -> list[str]:
        """Evictions of pods whose budget had no disruption left when they were made.

        The API server takes the disruption from the budget in the course of an eviction, and writes the pod
        into its `disruptedPods`; what the budget's controller wrote last says whether there was one.
        """
        allowed: dict[str, int] = {}
        wrong = []
        for event in self.of("poddisruptionbudgets/status", "update", "patch"):
            status = event.body["status"]
            if event.user == "system:apiserver" and allowed.get(event.key, 1) < 1:
                wrong.append(f"{event.key} allowed {allowed[event.key]}: {list(status['disruptedPods'])}")
            allowed[event.key] = status["disruptionsAllowed"]
        return wrong


def _unschedulable(body: Any, verb: str) -> Iterator[bool]:
    """What a write to a node says about cordoning; nothing when it does not speak of it."""
    if verb == "update":
        yield bool(body["spec"].get("unschedulable", False))
    elif isinstance(body, list):
        yield from (
            operation["op"] != "remove" and bool(operation.get("value"))
            for operation in body
            if operation["path"] == "/spec/unschedulable"
        )
    elif "unschedulable" in body.get("spec", {}):
        yield bool(body["spec"]["unschedulable"])


@dataclass(frozen=True)
class Call:
    """One call of AWS's API."""

    time: float
    service: str
    action: str
    parameters: dict[str, Any] = field(repr=False)
    error: str | None
    principal: str | None

    @property
    def by_aws(self) -> bool:
        """Whether a service of AWS's own made it."""
        return "AWSServiceRole" in (self.principal or "")


@dataclass(frozen=True)
class CallLog:
    """The cloud's log of AWS calls, or the part of it from some moment on."""

    path: Path
    since: float = 0.0

    def calls(self, *actions: str) -> list[Call]:
        """Calls of these actions, refused ones included; all calls without any named."""
        read = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [
            Call(**{name: entry[name] for name in Call.__dataclass_fields__})
            for entry in read
            if entry["time"] >= self.since and (not actions or entry["action"] in actions)
        ]

    def made(self, *actions: str) -> list[Call]:
        """Calls of these actions that AWS accepted, made by people and their programs."""
        return [call for call in self.calls(*actions) if call.error is None and not call.by_aws]

    def terminated(self) -> list[str]:
        """The instances that were ended by id, in order."""
        calls = self.made("TerminateInstanceInAutoScalingGroup", "TerminateInstances")
        return [instance for call in calls for instance in _instances(call.parameters)]


def _instances(parameters: dict[str, Any]) -> list[str]:
    return [str(value) for name, value in parameters.items() if name.partition(".")[0] == "InstanceId"]
