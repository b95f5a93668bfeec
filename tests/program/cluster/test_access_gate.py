"""How the program waits for its own access entry, which EKS follows some seconds after it was made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from eks_cilium.cluster.gates.access import POLL_SECONDS, wait_for_access
from eks_cilium.errors import RefusedError, TransientError
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.errors import TimedOutError
from tests.program.cluster.fake_cluster import Clock

pytestmark = pytest.mark.unit

UNKNOWN, KNOWN, ALLOWED, DOWN = "unknown", "known", "allowed", "down"


@dataclass
class ApiServers:
    """What is behind an endpoint: each connection is to the next server, whose state the clock decides."""

    clock: Clock
    changes: tuple[tuple[tuple[float, str], ...], ...]
    """For each server: from which second on it is in which state."""
    reviews: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    _state: str = UNKNOWN

    @contextmanager
    def connect(self) -> Iterator["ApiServers"]:
        server = self.changes[self.connections % len(self.changes)]
        self.connections += 1
        self._state = next(state for since, state in reversed(server) if self.clock.now >= since)
        yield self

    def create(self, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        assert path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        self.reviews.append(manifest["spec"]["resourceAttributes"])
        if self._state == DOWN:
            raise TransientError("the API server does not answer")
        if self._state == UNKNOWN:
            raise RefusedError("POST was refused with HTTP 401: Unauthorized", status=401)
        return {"status": {"allowed": self._state == ALLOWED}}


def wait(servers: ApiServers, seconds: float = 60) -> list[str]:
    lines: list[str] = []
    clock = servers.clock
    wait_for_access(
        servers.connect,
        seconds=seconds,
        report=lines.append,
        time=Time(monotonic=clock, sleep=clock.sleep),
    )
    return lines


def servers(*changes: tuple[tuple[float, str], ...]) -> ApiServers:
    return ApiServers(Clock(), changes)


def test_an_entry_that_works_is_asked_for_over_three_connections() -> None:
    found = servers(((0, ALLOWED),))

    wait(found)

    assert (found.connections, found.clock.now) == (3, 2 * POLL_SECONDS)
    assert found.reviews[:2] == [
        {"verb": "list", "resource": "secrets", "namespace": "kube-system"},
        {"verb": "create", "resource": "clusterroles", "group": "rbac.authorization.k8s.io"},
    ]


def test_it_waits_for_the_entry_and_then_for_its_policy() -> None:
    found = servers(((0, UNKNOWN), (6, KNOWN), (12, ALLOWED)))

    lines = wait(found)

    assert found.clock.now == 12 + 2 * POLL_SECONDS
    assert [line.split(":")[0] for line in lines] == [
        "the API server does not know this identity yet (HTTP 401)",
        "the API server knows this identity, and does not let it list secrets yet",
        "the access entry works, asking once more",
    ]


def test_every_api_server_behind_the_endpoint_has_to_know_it() -> None:
    found = servers(((0, ALLOWED),), ((0, UNKNOWN), (9, ALLOWED)))

    wait(found)

    assert found.clock.now >= 9 + POLL_SECONDS


def test_an_api_server_that_does_not_answer_is_asked_again() -> None:
    found = servers(((0, DOWN), (20, ALLOWED)))

    lines = wait(found)

    assert lines[0] == "the API server does not answer"


@pytest.mark.parametrize(
    ("state", "says"), [(UNKNOWN, "HTTP 401"), (KNOWN, "does not let it list secrets"), (DOWN, "not answer")]
)
def test_at_the_deadline_one_message_says_what_is_missing(state: str, says: str) -> None:
    with pytest.raises(TimedOutError) as error:
        wait(servers(((0, state),)), seconds=30)

    message = str(error.value)
    assert message.startswith("waited 30 s for the access entry of the identity that runs this program")
    assert says in message
    assert "aws eks list-associated-access-policies" in message


def test_another_refusal_is_raised_as_it_is() -> None:
    found = servers(((0, ALLOWED),))

    def refuse(path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        raise RefusedError("POST was refused with HTTP 403: denied by a webhook", status=403)

    found.create = refuse  # type: ignore[method-assign] # a server of its own kind

    with pytest.raises(RefusedError, match="denied by a webhook"):
        wait(found)
