"""An admission webhook on evictions that answers as broken and strict webhooks in the field do.

The API server asks it before each eviction. What clients get for each behaviour is the API server's own
doing: k8s.io/apiserver/pkg/admission/plugin/webhook (1.36), `failurePolicy: Fail`.
"""

import base64
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from eks_cilium.clients.kubernetes import KubernetesApi
from lab.cluster.authority import Authority

NAME = "evictions.lab.eks-cilium.io"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_HOST = "127.0.0.1"
_LONGEST_SILENCE = 60.0


class Behaviour(Enum):
    """How the webhook answers a review."""

    ALLOWS = "allows"
    FAILS = "fails"
    """With HTTP 500: the API server answers 500, InternalError."""
    DENIES_400 = "denies with 400"
    DENIES_403 = "denies with 403"
    IS_SILENT = "is silent"
    """No answer: the API server answers 500 after the webhook's timeout."""
    HANGS_UP = "hangs up"
    """The connection closes without an answer, as that of a pod that restarts: 500 too."""


class EvictionWebhook:
    """A webhook server on loopback; `behaviour` may be changed at any time.

    Args:
        directory: For the server's key and certificate; exists.
        timeout: Seconds for which the API server waits for an answer.
    """

    def __init__(self, directory: Path, timeout: int = 10) -> None:
        self._timeout = timeout
        self._changed = threading.Condition()
        self._behaviour = Behaviour.ALLOWS
        self.asked = 0
        self._authority = Authority("eviction webhook")
        certificate, key = self._authority.server("webhook", [_HOST]).write(directory, "webhook")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = _Server(self)
        # The handshake is the connection's own thread's work: a client that stalls holds up no other.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def behaviour(self) -> Behaviour:
        """How the webhook answers from now on."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        with self._changed:
            self._behaviour = behaviour
            self._changed.notify_all()

    @contextmanager
    def serving(self, api: KubernetesApi) -> Iterator[None]:
        """Serve, registered in a cluster, for the length of a `with` block."""
        threading.Thread(target=self._server.serve_forever, name="webhook", daemon=True).start()
        try:
            api.create(CONFIGURATIONS, self._configuration())
            yield
        finally:
            self.behaviour = Behaviour.ALLOWS
            api.delete(f"{CONFIGURATIONS}/{NAME}")
            self._server.shutdown()
            self._server.server_close()

    def answer(self, review: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        """Return the status and the body of the answer to a review; None for no answer at all."""
        with self._changed:
            self.asked += 1
            behaviour = self._behaviour
            if behaviour is Behaviour.IS_SILENT:
                self._changed.wait_for(lambda: self._behaviour is not behaviour, _LONGEST_SILENCE)
        match behaviour:
            case Behaviour.FAILS:
                return 500, {"error": "no leader elected"}
            case Behaviour.IS_SILENT | Behaviour.HANGS_UP:
                return 0, None
            case Behaviour.DENIES_400:
                return 200, _review(review, _denial(400, "the cluster is being rebalanced, try again later"))
            case Behaviour.DENIES_403:
                return 200, _review(review, _denial(403, "the pod will be moved by its operator"))
            case Behaviour.ALLOWS:
                return 200, _review(review, {"allowed": True})

    def _configuration(self) -> dict[str, Any]:
        rule = {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["pods/eviction"],
        }
        webhook = {
            "name": NAME,
            "clientConfig": {
                "url": f"https://{_HOST}:{self._server.server_port}/evictions",
                "caBundle": self._bundle(),
            },
            "rules": [rule],
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": self._timeout,
            "admissionReviewVersions": ["v1"],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": [webhook],
        }

    def _bundle(self) -> str:
        return base64.b64encode(self._authority.pair.certificate).decode()


def _denial(code: int, message: str) -> dict[str, Any]:
    return {"allowed": False, "status": {"code": code, "message": message}}


def _review(review: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], **response},
    }


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, webhook: EvictionWebhook) -> None:
        super().__init__((_HOST, 0), _Handler)
        self.webhook = webhook

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the API server hangs up on a webhook that takes too long."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer one review as the webhook behaves now."""
        length = int(self.headers["Content-Length"])
        status, body = self.server.webhook.answer(json.loads(self.rfile.read(length)))
        if body is None:
            self.close_connection = True
            return
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the audit log has the evictions."""
