"""A control plane shared by the tests that only read or add objects, and a fake authentication webhook."""

import json
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from lab.cluster import ControlPlane
from lab.toolchain import Toolchain

USERS = {"token-of-ana": {"username": "ana", "groups": ["operators"]}}


class Kubectl:
    """The real kubectl on one control plane."""

    def __init__(self, executable: Path, plane: ControlPlane, home: Path) -> None:
        self._command = [str(executable), f"--server={plane.endpoint}", "--request-timeout=20s"]
        self._admin = f"--kubeconfig={plane.admin_kubeconfig}"
        self._authority = home / "endpoint-ca.crt"
        self._authority.write_bytes(plane.certificate_authority)

    def __call__(self, *arguments: str, given: object = None) -> str:
        done = self.attempt(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *arguments: str, given: object = None) -> subprocess.CompletedProcess[str]:
        return self._run([*self._command, self._admin, *arguments], given)

    def with_token(self, token: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run as a user with a token and the cluster's CA, and no other credentials."""
        user = ["--kubeconfig=/dev/null", f"--token={token}", f"--certificate-authority={self._authority}"]
        return self._run([*self._command, *user, *arguments], None)

    def read(self, *arguments: str) -> dict:
        return json.loads(self(*arguments, "-o", "json"))

    @staticmethod
    def _run(command: list[str], given: object) -> subprocess.CompletedProcess[str]:
        text = None if given is None else json.dumps(given)
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = USERS.get(review["spec"]["token"])
        status = {"authenticated": user is not None} | ({"user": user} if user else {})
        answer = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "status": status})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def webhook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Webhook)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/lab/authenticate/shared"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def plane(toolchain: Toolchain, webhook: str, tmp_path_factory) -> Iterator[ControlPlane]:
    plane = ControlPlane(
        tmp_path_factory.mktemp("plane"),
        "shared",
        toolchain,
        authentication_webhook=webhook,
        issuer="https://issuer.example/id/ABC",
    )
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def kubectl_of(toolchain: Toolchain, tmp_path_factory) -> Callable[[ControlPlane], Kubectl]:
    return lambda plane: Kubectl(toolchain.kubectl(), plane, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="module")
def kubectl(kubectl_of, plane: ControlPlane) -> Kubectl:
    return kubectl_of(plane)
