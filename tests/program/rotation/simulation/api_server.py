"""An API server in memory: objects by path, versions, patches, selectors, and the eviction subresource."""

import copy
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

_PATH = re.compile(
    r"^(?P<api>/api/v1|/apis/[^/]+/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?$"
)
_DISCOVERY = re.compile(r"^/apis/[^/]+/[^/]+$")
"""Of custom groups; simulations that have one answer before."""
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Time that passes only while the program sleeps; `tick` is called every second of it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tick: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def turn(self) -> AbstractContextManager[None]:
        """Held while a request is answered. This clock has one thread, so no other has to be kept out."""
        return nullcontext()

    def spawn(self, task: "Callable[[], object]") -> None:
        """Have a task done beside the others: with one thread that is at once."""
        task()

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def sleep(self, seconds: float) -> None:
        ends = self.seconds + seconds
        while self.seconds < ends:
            self.seconds = min(self.seconds + 1.0, ends)
            self.tick()


MOST_REMEMBERED = 60
MOST_OF_CONFIG_MAP = 1024 * 1024


class Memory(dict[Any, Any]):
    """What a server knows of its clients: a copy of a simulation has none of them."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Memory":
        return Memory()


def identity(obj: Object) -> Object:
    """What tells an object from others, and its version."""
    names = ("namespace", "name", "uid", "resourceVersion")
    return {"metadata": {name: obj["metadata"][name] for name in names if name in obj["metadata"]}}


@dataclass(frozen=True)
class Query:
    """What a list or a watch selects."""

    collection: str
    namespace: str | None
    labels: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, collection: str, namespace: str | None, request: httpx.Request) -> "Query":
        labels, fields = (_selector(request, name) for name in ("labelSelector", "fieldSelector"))
        assert fields.keys() <= {"spec.nodeName", "status.phase", "metadata.name"}
        return cls(collection, namespace, tuple(labels.items()), tuple(fields.items()))

    @staticmethod
    def path_of(request: httpx.Request) -> str:
        match = _PATH.match(request.url.path)
        return f"{match['api']}/{match['plural']}" if match else ""

    def selects(self, obj: Object) -> bool:
        found = {
            "spec.nodeName": (obj.get("spec") or {}).get("nodeName"),
            "status.phase": (obj.get("status") or {}).get("phase"),
            "metadata.name": obj["metadata"]["name"],
        }
        labels = (obj["metadata"].get("labels") or {}).items()
        return set(self.labels) <= set(labels) and all(found[name] == value for name, value in self.fields)


class Watch(httpx.SyncByteStream):
    """The answer to a watch: whenever it is read, what changed since; an empty chunk where nothing did."""

    def __init__(
        self,
        server: "ApiServer",
        query: Query,
        request: httpx.Request,
        known: dict[tuple[str, str], Object],
    ) -> None:
        self._server, self._query, self._request, self._known = server, query, request, known
        self._moment: tuple[float, int] | None = None

    def __iter__(self) -> Iterator[bytes]:
        while True:
            moment = self._server.moment()
            if moment != self._moment:
                if self._server.breaks_watches or self._server.away(self._request):
                    raise httpx.ReadError("the connection was reset")
                with self._server.clock.turn():
                    if lines := self._lines():
                        yield lines
                self._moment = moment
            yield b""

    def _lines(self) -> bytes:
        items = {_name_of(obj): obj for obj in self._server.matching(self._query)}
        events = [self._deleted(known) for name, known in self._known.items() if name not in items]
        for name, obj in items.items():
            known = self._known.get(name)
            if known is not None and known["metadata"]["uid"] != obj["metadata"]["uid"]:
                events += [self._deleted(known), ("ADDED", obj)]
            elif known is None or known["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                events.append(("ADDED" if known is None else "MODIFIED", obj))
        if not events:
            return b""
        version = self._server.remember(self._query, list(items.values()))
        self._known = {name: identity(obj) for name, obj in items.items()}
        events.append(("BOOKMARK", {"metadata": {"resourceVersion": version}}))
        return b"".join(json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in events)

    def _deleted(self, known: Object) -> tuple[str, Object]:
        """The version of the object in such an event is that of its deletion."""
        metadata = {**known["metadata"], "resourceVersion": self._server.next_version()}
        return "DELETED", {"metadata": metadata}


class ApiServer:
    """Objects by collection, then by namespace and name. `writes` is its audit log."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.objects: dict[str, dict[tuple[str, str], Object]] = {}
        self.writes: list[tuple[str, str, int]] = []
        self.requests: Counter[str] = Counter()
        """How many requests of each kind there were, as in `LIST pods` or `GET nodes`."""
        self.evictions: list[tuple[str, str, int]] = []
        """Namespace/name, UID and status of every eviction asked for."""
        self.answers: list[Callable[[httpx.Request], httpx.Response | Exception | None]] = []
        """Tests that want another answer put a function here."""
        self.before_write: Callable[[str], None] = lambda _: None
        self.after_write: Callable[[str], None] = lambda _: None
        self.forgets_versions = False
        """Whether no watch can begin, since the server has forgotten every version."""
        self.breaks_watches = False
        """Whether watches that have begun end without a word, one reading later."""
        self._version = 0
        self._texts: dict[tuple[str, str, str], str] = Memory()
        self._lists: dict[tuple[Query, str], dict[tuple[str, str], Object]] = Memory()

    # What the world's own controllers use: no checks, no log.

    def put(self, collection: str, obj: Object) -> Object:
        metadata = obj["metadata"]
        metadata.setdefault("uid", str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", self.clock.stamp())
        metadata.setdefault("generation", 1)
        self._touch(obj)
        self.objects.setdefault(collection, {})[_name_of(obj)] = obj
        return obj

    def of(self, collection: str, namespace: str | None = None) -> list[Object]:
        found = self.objects.get(collection, {})
        if namespace is None:
            return [*found.values()]
        return [obj for (space, _), obj in [*found.items()] if space == namespace]

    def find(self, collection: str, namespace: str, name: str) -> Object | None:
        return self.objects.get(collection, {}).get((namespace, name))

    def remove(self, collection: str, obj: Object) -> None:
        self.objects.get(collection, {}).pop(_name_of(obj), None)

    # HTTP

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.clock.turn():
            return self._served(request)

    def _served(self, request: httpx.Request) -> httpx.Response:
        self.requests[kind_of(request)] += 1
        for answer in self.answers:
            given = answer(request)
            if isinstance(given, Exception):
                raise given
            if given is not None:
                return given
        what = f"{request.method} {request.url.path}"
        if _DISCOVERY.match(request.url.path):
            return status(404, "the server could not find the requested resource")
        if request.method == "GET":
            return self._answer(request)
        self.before_write(what)
        response = self._answer(request)
        self.writes.append((request.method, request.url.path, response.status_code))
        self.after_write(what)
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        match = _PATH.match(request.url.path)
        assert match, request.url.path
        collection = f"{match['api']}/{match['plural']}"
        key = (collection, match["namespace"] or "", match["name"] or "")
        body = json.loads(request.content) if request.content else {}
        if match["sub"] == "eviction":
            return self._evict(key, body)
        if request.method == "GET":
            return self._get(key) if match["name"] else self._list(collection, match["namespace"], request)
        if request.method == "POST":
            return self._create(collection, match["namespace"] or "", body)
        obj = self.find(*key)
        if obj is None:
            return status(404, f"{match['name']} not found")
        if request.method == "DELETE":
            return self._delete(key, obj, (body.get("preconditions") or {}).get("uid"))
        return self._write(request, obj, body)

    def _get(self, key: tuple[str, str, str]) -> httpx.Response:
        obj = self.find(*key)
        return status(404, f"{key[2]} not found") if obj is None else httpx.Response(200, json=obj)

    def _list(self, collection: str, namespace: str | None, request: httpx.Request) -> httpx.Response:
        query = Query.of(collection, namespace, request)
        if request.url.params.get("watch"):
            return self._watch(query, request)
        items = self.matching(query)
        version = self.remember(query, items)
        return httpx.Response(200, json={"items": items, "metadata": {"resourceVersion": version}})

    def matching(self, query: "Query") -> list[Object]:
        """The objects that a query selects; what controllers changed in place gets a new version."""
        found = [obj for obj in self.of(query.collection, query.namespace) if query.selects(obj)]
        for obj in found:
            key, text = (query.collection, *_name_of(obj)), json.dumps(obj, sort_keys=True)
            if self._texts.get(key, text) != text:
                self._touch(obj)
                text = json.dumps(obj, sort_keys=True)
            self._texts[key] = text
        return found

    def remember(self, query: "Query", items: list[Object]) -> str:
        """The version of a list: a watch that begins at it gets the changes since."""
        version = str(self._version)
        self._lists[query, version] = {_name_of(obj): identity(obj) for obj in items}
        while len(self._lists) > MOST_REMEMBERED:
            del self._lists[next(iter(self._lists))]
        return version

    def _watch(self, query: "Query", request: httpx.Request) -> httpx.Response:
        known = self._lists.get((query, request.url.params["resourceVersion"]))
        if known is None or self.forgets_versions:
            return status(410, "too old resource version")
        return httpx.Response(200, stream=Watch(self, query, request, dict(known)))

    def moment(self) -> tuple[float, int]:
        """Differs from an earlier one where anything can have changed since."""
        return self.clock.seconds, self.requests.total()

    def away(self, request: httpx.Request) -> bool:
        """Whether a test has this server answer a request in another way."""
        return any(answer(request) is not None for answer in self.answers)

    def _create(self, collection: str, namespace: str, body: Object) -> httpx.Response:
        if self.find(collection, namespace, body["metadata"]["name"]) is not None:
            return status(409, "already exists")
        if namespace:
            body["metadata"]["namespace"] = namespace
        if refusal := refused_config_map(collection, body):
            return refusal
        return httpx.Response(201, json=self.put(collection, body))

    def _write(self, request: httpx.Request, obj: Object, body: Object) -> httpx.Response:
        metadata = body.get("metadata") or {}
        if metadata.get("resourceVersion") not in (None, obj["metadata"]["resourceVersion"]):
            return status(409, "the object has been modified")
        if metadata.get("uid") not in (None, obj["metadata"]["uid"]):
            return status(422, "metadata.uid: Invalid value: field is immutable")
        if refusal := refused_config_map(Query.path_of(request), body, obj):
            return refusal
        before = copy.deepcopy(obj.get("spec"))
        if request.method == "PUT":
            kept = {key: obj["metadata"][key] for key in ("uid", "creationTimestamp", "generation")}
            obj.clear()
            obj.update(body)
            obj["metadata"].update(kept)
        else:
            merge(obj, body)
        if obj.get("spec") != before:
            obj["metadata"]["generation"] += 1
        self._touch(obj)
        return httpx.Response(200, json=obj)

    def _delete(self, key: tuple[str, str, str], obj: Object, uid: str | None) -> httpx.Response:
        if uid not in (None, obj["metadata"]["uid"]):
            return status(409, "the UID in the precondition does not match")
        if key[0] == "/api/v1/pods":
            self.terminate(obj)
        else:
            self.remove(key[0], obj)
        return httpx.Response(200, json={})

    def terminate(self, pod: Object) -> None:
        """A pod that ran has its grace; one that never did is gone at once."""
        if "deletionTimestamp" in pod["metadata"]:
            return
        grace = pod["spec"].get("terminationGracePeriodSeconds", 2)
        ends = self.clock.now() + timedelta(seconds=grace)
        pod["metadata"]["deletionTimestamp"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        pod["metadata"]["deletionGracePeriodSeconds"] = grace
        self._touch(pod)
        if pod["status"].get("phase") != "Running":
            self.remove("/api/v1/pods", pod)

    def _touch(self, obj: Object) -> None:
        obj["metadata"]["resourceVersion"] = self.next_version()

    def next_version(self) -> str:
        self._version += 1
        return str(self._version)

    # Evictions

    def _evict(self, key: tuple[str, str, str], body: Object) -> httpx.Response:
        pod = self.find(*key)
        uid = body["deleteOptions"]["preconditions"]["uid"]
        response = status(404, "not found") if pod is None else self._judge(pod, uid)
        self.evictions.append((f"{key[1]}/{key[2]}", uid, response.status_code))
        return response

    def _judge(self, pod: Object, uid: str) -> httpx.Response:
        if pod["metadata"]["uid"] != uid:
            return status(409, "the UID in the precondition does not match")
        counts = pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        budgets = [budget for budget in self.budgets(pod) if counts]
        if len(budgets) > 1:
            return status(500, "This pod has more than one PodDisruptionBudget, which is not supported.")
        for budget in budgets:
            healthy, wanted = self.health(budget)
            if healthy - wanted < 1:
                name = budget["metadata"]["name"]
                cause = (
                    f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
                )
                return status(429, "Cannot evict pod as it would violate the pod's disruption budget.", cause)
        self.terminate(pod)
        return status(201, "")

    def budgets(self, pod: Object) -> list[Object]:
        labels = (pod["metadata"].get("labels") or {}).items()
        return [
            budget
            for budget in self.of("/apis/policy/v1/poddisruptionbudgets", pod["metadata"]["namespace"])
            if budget["spec"]["selector"]["matchLabels"].items() <= labels
        ]

    def health(self, budget: Object) -> tuple[int, int]:
        """How many pods of a budget are healthy, and how many have to be."""
        pods = [
            pod
            for pod in self.of("/api/v1/pods", budget["metadata"]["namespace"])
            if budget in self.budgets(pod)
        ]
        healthy = sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)
        expected = budget["status"]["expectedPods"]
        if (most := budget["spec"].get("maxUnavailable")) is not None:
            return healthy, expected - _scaled(most, expected)
        return healthy, _scaled(budget["spec"]["minAvailable"], expected)


def kind_of(request: httpx.Request) -> str:
    """What kind of request it is: the method, or what a GET reads, and the resource."""
    match = _PATH.match(request.url.path)
    if match is None:
        return f"{request.method} {request.url.path}"
    verb = request.method
    if verb == "GET" and not match["name"]:
        verb = "WATCH" if request.url.params.get("watch") else "LIST"
    return f"{verb} {match['sub'] or match['plural']}"


def merge(obj: Object, patch: Object) -> None:
    """A JSON merge patch. Server-side apply of what these tests apply has the same effect."""
    for key, value in patch.items():
        if value is None:
            obj.pop(key, None)
        elif isinstance(value, dict):
            if not isinstance(obj.get(key), dict):
                obj[key] = {}
            merge(obj[key], value)
        else:
            obj[key] = value


def refused_config_map(collection: str, body: Object, obj: Object | None = None) -> httpx.Response | None:
    """The answer to a ConfigMap that no server takes (`ValidateConfigMap` and its update in Kubernetes)."""
    data = body.get("data") or {}
    if collection != "/api/v1/configmaps":
        return None
    if obj is not None and obj.get("immutable") and any((obj["data"]).get(key) != data[key] for key in data):
        return status(422, "data: Forbidden: field is immutable when `immutable` is set")
    kept = {**((obj or {}).get("data") or {}), **data}
    if sum(len(text) for text in kept.values() if text is not None) > MOST_OF_CONFIG_MAP:
        return status(422, f"[]: Too long: may not be more than {MOST_OF_CONFIG_MAP} bytes")
    return None


def status(code: int, message: str, cause: str = "") -> httpx.Response:
    details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]} if cause else {}
    return httpx.Response(code, json={"message": message, "code": code, "details": details})


def _name_of(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _selector(request: httpx.Request, parameter: str) -> dict[str, str]:
    text = request.url.params.get(parameter, "")
    return dict(each.split("=") for each in text.split(",") if each)


def is_ready(obj: Object) -> bool:
    conditions = obj.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _scaled(value: int | str, whole: int) -> int:
    return value if isinstance(value, int) else ceil(int(value.rstrip("%")) * whole / 100)
