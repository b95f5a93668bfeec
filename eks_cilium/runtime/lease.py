"""Mutual exclusion: one run at a time acts on a cluster, by a Lease in it that expires.

Pulumi's own locks do not suffice: `pulumi cancel` deletes them while the other process continues. A run holds
the Lease as long as its process lives, which renews it from a thread of its own (`Leases`). Another run takes
it over at once when that process is known to be dead, and otherwise when the Lease was not renewed for its
whole duration, by the clock of the process that waits: no two clocks are compared.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eks_cilium.errors import RefusedError
from eks_cilium.runtime.errors import LeaseHeldError, LeaseUnsureError, StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.clients.kubernetes import KubernetesApi, Object
    from eks_cilium.runtime.clock import Time

NAMESPACE = "kube-system"
LEASE = "eks-cilium-migration"
DURATION = 60.0
_BEAT = 15.0
_DEADLINE = 2 / 3
"""The part of its duration after which a holder that could not renew stops acting, well before it expires."""
PROCESS_ANNOTATION = "eks-cilium.io/process"

_COLLECTION = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
_PATH = f"{_COLLECTION}/{LEASE}"
_LOOKS_PER_DURATION = 10
_MOST_ATTEMPTS = 10
_START_TIME = 19
"""Field 22 of a process's stat line, counted after its name."""
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a Lease: a name for people, and the process, so that another run can see whether it lives."""

    name: str
    process: str

    @classmethod
    def this_process(cls) -> Holder:
        host, pid = socket.gethostname(), os.getpid()
        return cls(f"{getpass.getuser()}@{host}, process {pid}", f"{_boot()}/{pid}/{_started(pid)}")


def is_dead(process: str) -> bool | None:
    """Whether a holder's process is known to have ended; None where it ran on another machine."""
    boot, _, rest = process.partition("/")
    pid, _, started = rest.partition("/")
    if not pid.isdigit() or boot != _boot() or not started:
        return None
    return _started(int(pid)) != started


@dataclass(frozen=True, slots=True)
class Holding:
    """A Lease as it stands, for people: no decision follows from it."""

    holder: str
    since: str
    renewed: str
    """ISO times, by the clock of the holder's machine."""
    is_expired: bool
    """Whether it was renewed longer ago than it lasts, by the clocks of both machines."""

    def __str__(self) -> str:
        ended = ", which is too long ago: it has ended" if self.is_expired else ""
        return f"{self.holder}, at work since {self.since}, renewed its Lease last at {self.renewed}{ended}"


def holding(api: KubernetesApi, now: datetime) -> Holding | None:
    """Who holds the Lease of a cluster; None where no run does. It only reads."""
    found = api.get(_PATH)
    spec = found["spec"] if found else {}
    if not spec.get("holderIdentity"):
        return None
    renewed = datetime.fromisoformat(spec["renewTime"])
    lasts = float(spec.get("leaseDurationSeconds") or DURATION)
    return Holding(
        holder=spec["holderIdentity"],
        since=spec["acquireTime"],
        renewed=spec["renewTime"],
        is_expired=(now - renewed).total_seconds() > lasts,
    )


class Lease:
    """The Lease of one cluster, as one holder sees it."""

    def __init__(
        self,
        api: KubernetesApi,
        holder: Holder,
        time: Time,
        *,
        duration: float = DURATION,
        dead: Callable[[str], bool | None] = is_dead,
    ) -> None:
        self._api, self._holder, self._time, self._duration, self._dead = api, holder, time, duration, dead
        self._renewed: float | None = None
        self._last: Object | None = None

    def acquire(self) -> None:
        """Acquire the Lease. Raises LeaseHeldError, with its holder's name, while another process has it."""
        for _ in range(_MOST_ATTEMPTS):
            found = self._api.get(_PATH)
            if found is None:
                if self._written(lambda: self._api.create(_COLLECTION, self._claim(None))):
                    return
                continue
            if not self._is_free(found):
                found = self._outlast(found)
            if self._written(partial(self._replace, found)):
                return
        raise LeaseHeldError(
            Topic.LEASE_HELD,
            f"Lease {NAMESPACE}/{LEASE} was changed by other runs at every attempt to acquire it",
        )

    def renew(self) -> None:
        """Renew the Lease. Raises LeaseHeldError when another process has it now."""
        # As this holder wrote it last: a version that another process has changed is refused.
        if self._last is not None and self._written(partial(self._replace, self._last)):
            return
        found = self._api.get(_PATH)
        if found is None or not self._is_ours(found):
            self._renewed = None
            raise _lost(found)
        self._written(partial(self._replace, found))

    def check(self) -> None:
        """Raise unless the Lease is certainly still this holder's; called before everything that acts.

        Raises LeaseUnsureError while it could not be renewed in time, as while the API server is away: the
        first renewal that succeeds tells whether another process has taken it over.
        """
        if self._renewed is None:
            raise _lost(None)
        if self._time.monotonic() - self._renewed > self._duration * _DEADLINE:
            raise LeaseUnsureError(
                Topic.LEASE_LOST,
                f"this run no longer holds Lease {NAMESPACE}/{LEASE} for certain: it could not be renewed in "
                "time",
            )

    def release(self) -> None:
        """Delete the Lease, if this holder still has it."""
        found = self._api.get(_PATH)
        self._renewed = None
        if found is not None and self._is_ours(found):
            self._api.delete(_PATH, uid=found["metadata"]["uid"])

    def _is_ours(self, found: Object) -> bool:
        return _process(found) == self._holder.process

    def _is_free(self, found: Object) -> bool:
        return (
            not found["spec"].get("holderIdentity")
            or self._is_ours(found)
            or self._dead(_process(found)) is True
        )

    def _outlast(self, found: Object) -> Object:
        """Watch another holder's Lease for its whole duration; if it is not renewed, it is free."""
        promised = float(found["spec"].get("leaseDurationSeconds") or self._duration)
        if self._dead(_process(found)) is False:
            raise _held(found)
        seen = found["spec"].get("renewTime")
        for _ in range(_LOOKS_PER_DURATION):
            self._time.sleep(promised / _LOOKS_PER_DURATION)
            now = self._api.get(_PATH)
            if now is None or self._is_free(now):
                return now or {**found, "metadata": {"name": LEASE}}
            if now["spec"].get("renewTime") != seen:
                raise _held(now)
        return found

    def _claim(self, found: Object | None) -> Object:
        """The Lease with this holder, in the version that was read, so that only one of two wins."""
        metadata: Object = {"name": LEASE, "namespace": NAMESPACE}
        if found is not None and "resourceVersion" in found["metadata"]:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        now = self._time.now().strftime(_TIME_FORMAT)
        spec = {
            "holderIdentity": self._holder.name,
            "leaseDurationSeconds": max(int(self._duration), 1),
            "acquireTime": found["spec"]["acquireTime"] if found and self._is_ours(found) else now,
            "renewTime": now,
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**metadata, "annotations": {PROCESS_ANNOTATION: self._holder.process}},
            "spec": spec,
        }

    def _replace(self, found: Object) -> Object:
        return self._api.replace(_PATH, self._claim(found))

    def _written(self, write: Callable[[], Object]) -> bool:
        """Whether the write succeeded. The duration counts from before it was sent."""
        began = self._time.monotonic()
        try:
            self._last = write()
        except RefusedError as error:
            self._last = None
            if error.status in (404, 409):
                return False
            raise
        self._renewed = began
        return True


class Heartbeat:
    """Renews a Lease from a thread of its own until the process ends."""

    def __init__(self, lease: Lease, every: float = _BEAT) -> None:
        self._lease, self._every, self._stop = lease, every, threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for a renewal that is being sent."""
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._lease.renew()
            except StoppedError:
                return  # the Lease is lost; `check` raises before the next change
            except Exception:  # noqa: S112 - one failure, of whatever kind, must not end the heartbeat
                continue  # the API server or fresh credentials may be back before the Lease expires


class Leases:
    """The Leases that a process holds, one for each cluster it acts on."""

    def __init__(self) -> None:
        self._held: dict[str, Lease] = {}
        self._acquiring = threading.Lock()

    def has(self, cluster: str | None = None) -> bool:
        """Whether this process has acquired the Lease of a cluster, or of any: its run is under way."""
        return bool(self._held) if cluster is None else cluster in self._held

    def held(self, cluster: str, create: Callable[[], Lease]) -> Lease:
        """The Lease of a cluster: acquired once for all threads, and renewed until the process ends."""
        with self._acquiring:
            lease = self._held.get(cluster)
            if lease is None:
                lease = create()
                lease.acquire()
                Heartbeat(lease).start()
                self._held[cluster] = lease
            return lease


def _process(found: Object) -> str:
    return str((found["metadata"].get("annotations") or {}).get(PROCESS_ANNOTATION, ""))


def _held(found: Object) -> LeaseHeldError:
    spec = found["spec"]
    return LeaseHeldError(
        Topic.LEASE_HELD,
        f"{spec.get('holderIdentity')} has been at work on this cluster since {spec.get('acquireTime')} and "
        f"renewed its Lease last at {spec.get('renewTime')}",
        f"Wait until it is done. If its process has ended, Lease {NAMESPACE}/{LEASE} expires by itself "
        f"after {spec.get('leaseDurationSeconds')} s.",
    )


def _lost(found: Object | None) -> LeaseHeldError:
    now = f"{found['spec'].get('holderIdentity')} has it" if found else "another run may have taken it over"
    return LeaseHeldError(Topic.LEASE_LOST, f"this run no longer holds Lease {NAMESPACE}/{LEASE}: {now}")


def _boot() -> str:
    """Where a process number is unique: one boot of one machine, and there one PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When a process was started, which tells it from a later process with the same number."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return _started_elsewhere(pid)
    return fields[19]


def _started_elsewhere(pid: int) -> str:
    """On systems without /proc: whether there is such a process at all."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
