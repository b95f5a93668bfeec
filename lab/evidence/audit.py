"""What happened to a cluster, as its API server wrote it into its audit log.

The demos and the end-to-end tests read it: it does not depend on what the program says about itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

EVICTION = "pods/eviction"
CLUSTER_USERS = ("lab:node-player", "lab:admin", "system:")
"""Prefixes of the cluster's own users: kubelets, the cloud's controllers, Kubernetes' controllers."""
_READING = frozenset({"get", "list", "watch"})


@dataclass(frozen=True)
class Event:
    """One answered request to the API server."""

    time: datetime
    user: str
    """Who asked; of an impersonated user, the name of that user."""
    verb: str
    resource: str
    """The plural with its subresource, as in `pods/eviction`."""
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
        return self.user.startswith(CLUSTER_USERS)

    @classmethod
    def read(cls, line: str) -> "Event":
        entry = json.loads(line)
        what = entry.get("objectRef", {})  # what asks for no object, as discovery does, has none
        parts = [what.get("resource", ""), what.get("subresource", "")]
        return cls(
            time=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
            # A request with a token that was refused has no user.
            user=entry.get("impersonatedUser", entry["user"]).get("username", ""),
            verb=entry["verb"],
            resource="/".join(part for part in parts if part),
            namespace=what.get("namespace", ""),
            name=what.get("name", ""),
            code=entry["responseStatus"]["code"],
            body=entry.get("requestObject"),
        )


@dataclass(frozen=True)
class AuditLog:
    """The audit log of one API server, from `since` on where that is given."""

    path: Path
    since: datetime | None = None

    def events(self) -> list[Event]:
        """Return the requests from `since` on that change something, oldest first."""
        return [event for event in self.all_events() if self._counts(event)]

    def all_events(self) -> list[Event]:
        """Return all requests that change something, those before `since` too, oldest first."""
        return [event for event in self._read() if event.resource and event.verb not in _READING]

    def asked_by(self, user: str) -> list[Event]:
        """Return all requests of a user from `since` on, reads and discovery among them, oldest first.

        A watch is recorded at its end, with the time at which it began.
        """
        return [event for event in self._read() if event.user == user and self._counts(event)]

    def _read(self) -> list[Event]:
        text = self.path.read_text()
        # The last line may not be written completely yet.
        whole = text[: text.rfind("\n") + 1]
        return sorted((Event.read(line) for line in whole.splitlines()), key=lambda event: event.time)

    def _counts(self, event: Event) -> bool:
        return self.since is None or event.time >= self.since

    def of(self, resource: str, *verbs: str) -> list[Event]:
        """Return the successful requests about a resource."""
        return [
            event
            for event in self.events()
            if event.resource == resource and event.succeeded and (not verbs or event.verb in verbs)
        ]

    def evictions(self) -> list[Event]:
        return self.of(EVICTION, "create")

    def forbidden_evictions(self) -> list[Event]:
        """Return the evictions that the API server refused because of a PodDisruptionBudget."""
        return [event for event in self.events() if event.resource == EVICTION and event.code == 429]

    def direct_deletions(self) -> list[Event]:
        """Return the deletions of pods by users, which bypass every PodDisruptionBudget."""
        deleted = self.of("pods", "delete", "deletecollection")
        return [event for event in deleted if not event.by_the_cluster]

    def cordons(self) -> dict[str, list[bool]]:
        """Return the changes of `unschedulable` of each node, in order, without repetitions."""
        changes: dict[str, list[bool]] = {}
        for event in self.of("nodes", "patch", "update"):
            for value in _unschedulable(event.body, event.verb):
                earlier = changes.setdefault(event.name, [])
                if (earlier[-1] if earlier else False) is not value:
                    earlier.append(value)
        return {node: values for node, values in changes.items() if values}

    def evictions_by_node(self) -> dict[str, list[Event]]:
        """Return the evictions by the node to which the pod had been scheduled."""
        nodes: dict[str, str] = {}
        found: dict[str, list[Event]] = {}
        for event in self.all_events():
            if event.resource == "pods/binding" and event.succeeded:
                nodes[event.key] = event.body["target"]["name"]
            elif event.resource == EVICTION and event.succeeded and self._counts(event):
                found.setdefault(nodes.get(event.key, "unknown"), []).append(event)
        return found

    def desired(self, daemon_set: str) -> list[int]:
        """Return on how many nodes a DaemonSet of kube-system was wanted, without repetitions."""
        counts = [
            event.body["status"].get("desiredNumberScheduled", 0)
            for event in self.of("daemonsets/status", "update", "patch")
            if event.name == daemon_set
        ]
        return [count for count, _ in groupby(counts)]

    def unallowed_evictions(self) -> list[str]:
        """Return the evictions that were made although the PodDisruptionBudget allowed no disruption.

        During an eviction the API server decrements the PDB's `disruptionsAllowed` and adds the pod to its
        `disruptedPods`. The last status before that write shows whether a disruption was left.
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
    """Yield the value of `unschedulable` that a write to a node sets, where it sets one."""
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
