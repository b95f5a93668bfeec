"""How a request proves who it comes from: a fixed token, or one fetched by an exec credential plugin.

`aws eks get-token` is such a plugin. Its token is kept until shortly before it expires, and dropped at once
when the API server says 401. A token never appears in a `repr` or an error.
"""

import json
import os
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.providers.errors import UnavailableError
from lab.providers.kubernetes.connection.kubeconfig import KubeconfigError

# A token that ends within this many seconds is not handed out: the request has to arrive first.
EXPIRY_MARGIN = 30
PLUGIN_TIMEOUT = 60

Run = Callable[[list[str], Mapping[str, str]], str]


class CredentialPluginError(UnavailableError):
    """The credential plugin could not be run, or did not answer with a credential."""


class Credential(ABC):
    """Gives the bearer token of the next request."""

    @abstractmethod
    def token(self) -> str | None:
        """The token, `None` when the connection itself (a client certificate) says who it is."""

    @abstractmethod
    def reject(self, token: str | None) -> bool:
        """The API server refused this token; says whether a fresh one can be had."""


@dataclass(frozen=True, repr=False)
class FixedToken(Credential):
    """A token from the kubeconfig, or none at all."""

    value: str | None

    def token(self) -> str | None:
        """The value as it is."""
        return self.value

    def reject(self, token: str | None) -> bool:  # noqa: ARG002  # a fixed token has no successor
        """Nothing else to offer."""
        return False


class ExecPlugin(Credential):
    """A token from the program that the kubeconfig's user entry names."""

    def __init__(
        self, specification: Mapping[str, Any], run: Run | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._specification = specification
        self._run = run or run_plugin
        self._now = now
        self._lock = threading.Lock()
        self._token: str | None = None
        self._expires = 0.0

    def token(self) -> str:
        """The kept token, or a new one when it is about to end."""
        with self._lock:
            if self._token is None or self._now() >= self._expires - EXPIRY_MARGIN:
                self._token, self._expires = self._fetch()
            return self._token

    def reject(self, token: str | None) -> bool:
        """Forget the token, unless another thread has renewed it already."""
        with self._lock:
            if self._token == token:
                self._token = None
            return True

    def _fetch(self) -> tuple[str, float]:
        command = [self._specification["command"], *(self._specification.get("args") or [])]
        additions = {item["name"]: item["value"] for item in self._specification.get("env") or []}
        information: dict[str, Any] = {
            "apiVersion": self._specification.get("apiVersion"),
            "kind": "ExecCredential",
            "spec": {},
        }
        environment = {**os.environ, **additions, "KUBERNETES_EXEC_INFO": json.dumps(information)}
        answer = self._run(command, environment)
        try:
            status = json.loads(answer)["status"]
            return str(status["token"]), _timestamp(status.get("expirationTimestamp"))
        except (ValueError, KeyError, TypeError):
            # Without the cause: it would carry the plugin's answer, and that is a secret.
            message = f"credential plugin {command[0]!r} did not answer with an ExecCredential"
        raise CredentialPluginError(message)


def credential_of(user: Mapping[str, Any]) -> Credential:
    """The credential that a kubeconfig's user entry describes."""
    if user.get("exec"):
        if not user["exec"].get("command"):
            raise KubeconfigError("kubeconfig user has an exec plugin without a command")
        return ExecPlugin(user["exec"])
    if user.get("tokenFile"):
        return FixedToken(Path(user["tokenFile"]).read_text().strip())
    return FixedToken(user.get("token"))


def run_plugin(command: list[str], environment: Mapping[str, str]) -> str:
    """Run the plugin; what it writes to stderr is its explanation and is passed on."""
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PLUGIN_TIMEOUT, check=False
        )
    except FileNotFoundError as error:
        raise CredentialPluginError(f"credential plugin {command[0]!r} is not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise CredentialPluginError(
            f"credential plugin {command[0]!r} took over {PLUGIN_TIMEOUT} s"
        ) from error
    if done.returncode != 0:
        explanation = done.stderr.strip().splitlines()[-1:] or ["no explanation"]
        raise CredentialPluginError(f"credential plugin {command[0]!r} failed: {explanation[0]}")
    return done.stdout


def _timestamp(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else float("inf")
