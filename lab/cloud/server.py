"""The cloud process: moto with extensions, and the lab's own EKS, on one loopback port.

`lab.cloud.__main__` creates, starts and stops one `Cloud`; so do tests with their own control planes.
Requests below `/lab/` are the lab's own (the authentication webhook of clusters, requests of node players);
all others are AWS requests and pass through the middleware.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from lab.cloud import moto_contract
from lab.cloud.eks.aws_clients import AwsClients
from lab.cloud.eks.environment import Environment
from lab.cloud.eks.kubernetes_api import HttpKubernetesApi
from lab.cloud.eks.service import Eks
from lab.cloud.extension import Parts
from lab.cloud.identity import account
from lab.cloud.identity.identities import Identities
from lab.cloud.requests.faults import Faults, JsonLines
from lab.cloud.requests.middleware import RequestMiddleware, read_request
from lab.cloud.requests.wire import Models
from lab.cloud.running_clusters import Clusters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lab.cloud.eks.kubernetes_api import KubernetesApi
    from lab.cloud.eks.launcher import Launcher
    from lab.cloud.extension import Extension, Installer
    from lab.cloud.identity.identities import Credentials
    from lab.cloud.timing import Timing

LOOPBACK = "127.0.0.1"
LAB_PREFIX = "/lab/"
# In the order in which they extend moto.
EXTENSIONS = (
    "lab.cloud.iam",
    "lab.cloud.ec2",
    "lab.cloud.route53",
    "lab.cloud.loadbalancers",
    "lab.cloud.autoscaling",
    "lab.cloud.nodes",
    "lab.cloud.pod_interfaces",
    "lab.cloud.reachability",
)


@dataclass(frozen=True)
class Settings:
    directory: Path
    timing: Timing
    region: str
    port: int = 0
    extensions: tuple[str, ...] = EXTENSIONS


class QuietHandler(MotoRequestHandler):  # type: ignore[misc]  # moto is untyped to mypy here
    """moto's request handler without a log line per request, since the call log has them."""

    def log_request(self, *_: Any) -> None:
        """Log nothing: the call log has every request."""


class Cloud:
    """One AWS account with all services and regions that the lab emulates."""

    def __init__(
        self,
        settings: Settings,
        launcher: Callable[[Callable[[], str]], Launcher],
        kubernetes: Callable[[Path], KubernetesApi] = HttpKubernetesApi,
    ) -> None:
        moto_contract.check()
        settings.directory.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self.faults = Faults(settings.directory / "faults.jsonl")
        self.clusters = Clusters()
        self._extensions = self._install_extensions()
        self.identities = Identities(DEFAULT_ACCOUNT_ID)
        self.account = account.create(self.identities, settings.region)
        self.eks = Eks(self._environment(launcher(lambda: self.url), kubernetes), self.identities)
        self._middleware = RequestMiddleware(
            moto=DomainDispatcherApplication(create_backend_app),
            eks=self.eks,
            identities=self.identities,
            calls=JsonLines(settings.directory / "calls.jsonl"),
            faults=self.faults,
            models=Models(),
        )
        self._server = make_server(
            LOOPBACK, settings.port, self._serve, threaded=True, request_handler=QuietHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="cloud", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        """Serve requests from now on, and write the files that say how to reach the cloud."""
        self._thread.start()
        self._write("stranger.json", self.account.stranger)
        self._write("cloud.json", self.account.engineer)

    def stop(self) -> None:
        """Stop every control plane, then the services, then the server."""
        for name in ("cloud.json", "stranger.json"):
            (self._settings.directory / name).unlink(missing_ok=True)
        self.eks.stop()
        for extension in self._extensions:
            extension.stop()
        self._server.shutdown()
        self._server.server_close()

    def _write(self, name: str, who: Credentials) -> None:
        """Write how to reach the cloud with these credentials."""
        content = {
            "url": self.url,
            "pid": os.getpid(),
            "account": DEFAULT_ACCOUNT_ID,
            "accessKeyId": who.access_key_id,
            "secretAccessKey": who.secret_access_key,
            "region": self._settings.region,
        }
        write_private(self._settings.directory / name, content)

    def _install_extensions(self) -> list[Extension]:
        settings = self._settings
        parts = Parts(self.clusters, settings.timing, settings.directory, DEFAULT_ACCOUNT_ID, settings.region)
        installers: list[Installer] = [importlib.import_module(name).install for name in settings.extensions]
        return [install(parts) for install in installers]

    def _environment(self, launcher: Launcher, kubernetes: Callable[[Path], KubernetesApi]) -> Environment:
        regions: dict[str, AwsClients] = {}
        return Environment(
            account=DEFAULT_ACCOUNT_ID,
            timing=self._settings.timing,
            now=time.time,
            aws=lambda region: regions.setdefault(
                region, AwsClients(region, lambda: self.url, lambda: self.account.eks)
            ),
            launcher=launcher,
            kubernetes=kubernetes,
            running=self.clusters,
            faults=self.faults,
        )

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(LAB_PREFIX):
            return self._serve_lab(environ, start_response)
        return self._middleware(environ, start_response)

    def _serve_lab(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = read_request(environ)
        path = environ["PATH_INFO"].removeprefix(LAB_PREFIX)
        try:
            answer = self._answer(path, json.loads(request.body or b"{}"))
            status = "200 OK"
        except (LookupError, ValueError) as error:
            answer, status = {"error": str(error)}, "400 Bad Request"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _answer(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        name, _, cluster = path.partition("/")
        if name == "authenticate" and cluster:
            return self.eks.reviewer.review(cluster, request)
        if path == "expire-session":
            self.identities.expire(request["accessKeyId"])
            return {}
        for extension in self._extensions:
            if path in extension.posts:
                return extension.posts[path](request)
        message = f"the lab has no handler at {LAB_PREFIX}{path}"
        raise LookupError(message)


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write a file atomically that only its owner can read."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
    new.replace(path)
