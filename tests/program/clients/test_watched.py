"""Collections that are watched: what a reader sees, and when it is asked for again."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.errors import TransientError
from eks_cilium.runtime.watched import IDLE, WatchedCollection

pytestmark = pytest.mark.unit

Object = dict[str, Any]


def node(name: str, version: int, **more: Any) -> Object:
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "managedFields": [1]}, **more}


class Stream(httpx.SyncByteStream):
    """Chunks of an open watch; an empty one where nothing has happened."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def __iter__(self) -> Iterator[bytes]:
        while True:
            if self._server.is_away:
                raise httpx.ReadError("reset")
            if self._server.ends_watches:
                self._server.ends_watches = self._server.ends_every_watch
                return
            yield self._server.chunks.pop(0) if self._server.chunks else b""


class Server:
    """A collection of an API server."""

    def __init__(self, *objects: Object, version: int = 10) -> None:
        self.objects, self.version = list(objects), version
        self.requests: list[str] = []
        self.chunks: list[bytes] = []
        self.is_away = self.ends_watches = self.ends_every_watch = False
        self.has_collection = True
        self.refused: list[int] = []
        """Statuses of the next watches."""
        self.cached: tuple[list[Object], int] | None = None
        """What the server answers from its cache, where that is behind."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        if params.get("watch"):
            self.requests.append(f"watch {params['resourceVersion']}")
            if self.is_away:
                raise httpx.ConnectError("refused")
            if self.refused:
                return httpx.Response(self.refused.pop(0), json={"message": "no"})
            return httpx.Response(200, stream=Stream(self))
        self.requests.append("list from cache" if params.get("resourceVersion") == "0" else "list")
        if self.is_away:
            raise httpx.ConnectError("refused")
        if not self.has_collection:
            return httpx.Response(404, json={"message": "the server could not find the requested resource"})
        objects, version = self.objects, self.version
        if self.cached and params.get("resourceVersion") == "0":
            objects, version = self.cached
        metadata = {"resourceVersion": str(version)}
        return httpx.Response(200, json={"items": objects, "metadata": metadata})

    def tells(self, kind: str, obj: Object) -> None:
        self.chunks.append(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


class Bench:
    def __init__(self, server: Server, **more: Any) -> None:
        self.server, self.now = server, 0.0
        api = KubernetesApi(
            "https://cluster.example",
            None,
            transport=httpx.MockTransport(server),
            patience=Patience(attempts=1),
        )
        self.nodes = WatchedCollection(
            api, "/api/v1/nodes", {}, monotonic=lambda: self.now, jitter=lambda: 0.0, **more
        )
        self._steps = self.nodes.follow()

    def follow(self) -> float:
        """Take what has arrived; what was yielded last."""
        return next(step for step in self._steps if step)

    def names(self) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in self.nodes.objects())


def test_a_collection_is_listed_once_and_then_told_of_changes() -> None:
    bench = Bench(Server(node("a", 1), node("b", 2)))

    assert bench.follow() == IDLE
    bench.server.tells("ADDED", node("c", 11))
    bench.server.tells("MODIFIED", node("a", 12, spec={"unschedulable": True}))
    bench.server.tells("DELETED", node("b", 13))
    bench.follow()
    bench.now = 1000

    assert bench.names() == ["a", "c"]
    found = bench.nodes.find("", "a")
    assert found is not None
    assert found["spec"] == {"unschedulable": True}
    assert "managedFields" not in found["metadata"]
    assert bench.server.requests == ["list from cache", "watch 10"]


def test_an_event_may_come_in_pieces() -> None:
    bench = Bench(Server())
    bench.follow()
    bench.server.tells("ADDED", node("a", 11))
    (whole,) = bench.server.chunks
    bench.server.chunks = [whole[:20], whole[20:]]

    bench.follow()

    assert bench.names() == ["a"]


def test_a_watch_goes_on_from_the_last_bookmark() -> None:
    bench = Bench(Server())
    bench.follow()
    bench.server.tells("BOOKMARK", {"metadata": {"resourceVersion": "500"}})
    bench.follow()
    bench.now, bench.server.ends_watches = 1000, True
    bench.follow()

    assert bench.server.requests[-1] == "watch 500"


@pytest.mark.parametrize("how", ["status", "event"])
def test_a_version_that_the_server_has_forgotten_is_listed_again(how: str) -> None:
    server = Server(node("a", 1))
    bench = Bench(server)
    bench.follow()
    server.objects, server.version = [node("b", 90)], 100
    if how == "event":
        server.tells("ERROR", {"code": 410, "message": "too old resource version"})
    else:
        server.ends_watches, server.refused, bench.now = True, [410], 1000

    bench.follow()

    assert bench.names() == ["b"]
    assert server.requests[-2:] == ["list", "watch 100"]


def test_what_cannot_be_followed_is_listed_again_by_its_readers_at_most_every_two_seconds() -> None:
    server = Server(node("a", 1))
    bench = Bench(server)
    bench.follow()
    server.is_away = True
    assert bench.follow() > 0
    server.is_away, server.objects, server.version = False, [node("b", 20)], 30
    bench.now = 5

    assert [bench.names(), bench.names()] == [["b"], ["b"]]
    assert server.requests[2:] == ["list"]


def test_without_a_watch_and_without_a_list_nothing_is_answered() -> None:
    bench = Bench(Server(node("a", 1)))
    bench.follow()
    bench.server.is_away = True
    bench.follow()
    bench.now = 5

    with pytest.raises(TransientError):
        bench.names()


def test_what_may_not_be_watched_is_listed() -> None:
    server = Server(node("a", 1))
    server.refused = [403]
    bench = Bench(server)

    assert bench.follow() > 10
    bench.now = 5
    assert bench.names() == ["a"]
    assert server.requests == ["list from cache", "watch 10", "list"]


@pytest.mark.parametrize(("chosen", "seconds"), [({}, 10.0), ({"max_age_of_nothing": 60.0}, 60.0)])
def test_a_collection_that_the_server_does_not_have_is_asked_for_again_after_a_while(
    chosen: dict[str, float], seconds: float
) -> None:
    server = Server(node("a", 1))
    server.has_collection = False
    bench = Bench(server, **chosen)

    assert bench.names() == []
    server.has_collection = True
    bench.now = seconds - 1
    assert bench.names() == []
    bench.now = seconds
    assert bench.names() == ["a"]


def test_an_answer_to_a_write_is_seen_at_once_and_an_older_event_does_not_undo_it() -> None:
    bench = Bench(Server(node("a", 1)))
    bench.follow()

    bench.nodes.note(node("a", 20, spec={"unschedulable": True}))
    bench.server.tells("MODIFIED", node("a", 15, spec={}))
    bench.follow()

    found = bench.nodes.find("", "a")
    assert found is not None
    assert found["spec"] == {"unschedulable": True}


def test_an_answer_about_an_object_that_is_gone_does_not_bring_it_back() -> None:
    bench = Bench(Server(node("a", 1)))
    bench.follow()
    bench.server.tells("DELETED", node("a", 12))
    bench.follow()

    bench.nodes.note(node("a", 11))

    assert bench.names() == []


def test_a_cache_that_is_behind_what_was_written_is_not_believed() -> None:
    server = Server(node("new", 50), version=60)
    server.cached = ([node("old", 1)], 5)
    bench = Bench(server, is_behind=lambda version: int(version) < 55)

    bench.follow()

    assert bench.names() == ["new"]
    assert server.requests == ["list from cache", "list", "watch 60"]


def test_a_server_that_ends_every_watch_at_once_is_not_asked_all_the_time() -> None:
    server = Server()
    server.ends_watches = server.ends_every_watch = True
    bench = Bench(server)

    assert bench.follow() > 0
