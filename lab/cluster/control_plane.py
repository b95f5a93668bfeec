"""One Kubernetes control plane on loopback, from start to stop.

The cloud starts one per EKS cluster; tests start their own. Its processes end with their parent process, and
nothing is resumed: a new start creates a new cluster.
"""

import http
import http.client
import json
import ssl
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from lab.toolchain import Toolchain

from .configuration import Configuration, Ports, Settings
from .errors import ClusterError, PortTakenError, StartError
from .ports import LOOPBACK, Reservation
from .processes import Identity, Lifeline, Process, forget, recorded, stop, wait_until

_READY_LIMIT = 90.0
_PROBE_LIMIT = 2.0
_PATIENCE = 2.0
_ATTEMPTS = 3
# kube-apiserver waits for its storage before it exits, forever if etcd has ended: etcd is always stopped
# last.
_LAST_TO_STOP = "etcd"


class ControlPlane:
    """A control plane in its own directory, which holds its keys, logs, process records and audit log."""

    def __init__(
        self,
        directory: Path,
        name: str,
        toolchain: Toolchain,
        *,
        authentication_webhook: str | None = None,
        emulated_version: str | None = None,
        service_cidr: str = Settings.service_cidr,
        issuer: str = Settings.issuer,
    ) -> None:
        self._directory = directory.resolve()
        self._toolchain = toolchain
        self._settings = Settings(name, authentication_webhook, emulated_version, service_cidr, issuer)
        self._configuration = Configuration(self._directory, self._settings)
        self._processes: dict[str, Process] = {}
        self._lifeline: Lifeline | None = None
        self._port: int | None = None
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        if self._port is None:
            raise ClusterError(f"the control plane of {self._settings.name} was not started")
        return f"https://{LOOPBACK}:{self._port}"

    @property
    def certificate_authority(self) -> bytes:
        """Return the PEM certificate with which clients verify the endpoint."""
        return self._configuration.certificate_authority

    @property
    def admin_kubeconfig(self) -> Path:
        """Return the credentials of system:masters, for the lab's own controllers only."""
        return self._configuration.kubeconfig("admin")

    @property
    def audit_log(self) -> Path:
        """Return the path of the API server's audit log, one JSON object per line."""
        return self._configuration.audit_log

    @property
    def pids(self) -> dict[str, int]:
        """Return the running processes by component."""
        return {name: process.identity.pid for name, process in self._processes.items()}

    def start(self) -> None:
        """Start all components and wait until the API server is ready."""
        with self._lock:
            if self._processes:
                raise ClusterError(f"the control plane of {self._settings.name} is already started")
            self._prepare()
            self._start_on_free_ports(_ATTEMPTS)

    def start_node_player(
        self, cloud_url: str | None, crds: Path, settings: Mapping[str, object] | None = None
    ) -> None:
        """Start the node player, which emulates nodes and CNI agents.

        `crds` contains a directory of CRDs per Cilium version.
        """
        file = self._directory / "node-player.json"
        file.write_text(json.dumps(settings or {}, indent=1))
        command = [
            str(self._toolchain.node_player()),
            f"--kubeconfig={self._configuration.kubeconfig('node-player')}",
            f"--cluster={self._settings.name}",
            f"--crds={crds}",
            f"--egress={self._configuration.egress_socket}",
            f"--settings={file}",
        ]
        if cloud_url is not None:
            command.append(f"--cloud={cloud_url}")
        with self._lock:
            self._run("nodeplayer", command)

    def check(self) -> None:
        """Raise when a process that should run has ended."""
        for process in list(self._processes.values()):
            process.check()

    def stop(self) -> None:
        """Stop every process and wait for it; a second call does nothing."""
        with self._lock:
            self._stop()

    def _prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(identity.alive() for identity in recorded(self._directory)):
            raise ClusterError(f"another control plane runs in {self._directory}; stop it first")
        self.audit_log.unlink(missing_ok=True)
        self._configuration.write_keys()
        self._configuration.write_webhook()
        self._configuration.write_egress()

    def _start_on_free_ports(self, attempts: int) -> None:
        try:
            self._start()
        except PortTakenError:
            if attempts <= 1:
                raise
            self._start_on_free_ports(attempts - 1)

    def _start(self) -> None:
        self._configuration.discard_data()
        self._lifeline = Lifeline()
        try:
            with ExitStack() as kept:
                etcd, peers, api = (kept.enter_context(Reservation()).port for _ in range(3))
                self._port = api
                self._configuration.write_kubeconfigs(api)
                self._run_components(Ports(etcd, peers, api))
        except BaseException:
            self._stop()
            raise

    def _run_components(self, ports: Ports) -> None:
        make = self._configuration
        self._run_component("etcd", make.etcd(ports))
        self._run_component("kube-apiserver", make.api_server(ports))
        self._await_ready(ports.api)
        self._run_component("kube-controller-manager", make.controller_manager())
        self._run_component("kube-scheduler", make.scheduler())

    def _run_component(self, name: str, arguments: list[str]) -> None:
        self._run(name, [str(self._toolchain.control_plane()), name, *arguments])

    def _run(self, name: str, command: list[str]) -> None:
        if self._lifeline is None:
            raise ClusterError(f"the control plane of {self._settings.name} is not running")
        self._processes[name] = Process(self._directory, name, command, self._lifeline)

    def _await_ready(self, port: int) -> None:
        context = ssl.create_default_context(cadata=self.certificate_authority.decode())

        def ready() -> bool:
            self._check_ports()
            return _answers_ok(port, "/readyz", context)

        if not wait_until(ready, _READY_LIMIT):
            log = self._processes["kube-apiserver"].last_lines()
            raise StartError(f"kube-apiserver was not ready after {_READY_LIMIT:.0f} s:\n{log}")

    def _check_ports(self) -> None:
        try:
            self.check()
        except StartError as error:
            if "address already in use" in str(error):
                raise PortTakenError(str(error)) from error
            raise

    def _stop(self) -> None:
        _stop_in_order([process.identity for process in self._processes.values()])
        for process in self._processes.values():
            process.reap()
        self._processes.clear()
        forget(self._directory)
        self._configuration.discard_data()
        self._configuration.egress_socket.unlink(missing_ok=True)
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None


def stop_by_directory(directory: Path) -> list[str]:
    """Stop what a dead owner left running in a directory or below it; return the names of those processes."""
    left = [identity for identity in recorded(directory) if identity.alive()]
    _stop_in_order(left)
    forget(directory)
    return [identity.name for identity in left]


def _stop_in_order(identities: list[Identity]) -> None:
    stop([identity for identity in identities if identity.name != _LAST_TO_STOP], _PATIENCE)
    stop([identity for identity in identities if identity.name == _LAST_TO_STOP], _PATIENCE)


def _answers_ok(port: int, path: str, context: ssl.SSLContext) -> bool:
    # Not urllib: a proxy in the environment must not be used for loopback.
    connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=_PROBE_LIMIT, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
