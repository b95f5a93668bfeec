"""Credential plugins: the commands that a kubeconfig names to get a token, such as `aws eks get-token`.

The protocol is ExecCredential of client.authentication.k8s.io, v1beta1 and v1:
kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.tokens import IssuedToken
from eks_cilium.errors import UserError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Run = Callable[[list[str], Mapping[str, str]], str]
    """Runs a command in an environment; returns what it printed."""

_PLUGIN_SECONDS = 60
_LONGEST_QUOTE = 200
_DEFAULT_VERSION = "client.authentication.k8s.io/v1"


class CredentialPluginError(UserError):
    """The plugin could not be run, or printed no credential. Install it, or log in where it says so."""

    topic: Topic | None = Topic.KUBECONFIG


class ExecPlugin:
    """Asks the plugin for a credential each time it is called.

    Args:
        specification: `user.exec` of a kubeconfig.
        load_certificate: Takes a client certificate with its key, PEM, when the plugin prints one.
        run: Runs the plugin.
        now: Seconds since 1970, for the expiry the plugin prints.
    """

    def __init__(
        self,
        specification: Mapping[str, Any],
        *,
        load_certificate: Callable[[bytes], None] | None = None,
        run: Run | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._specification = specification
        self._load_certificate = load_certificate
        self._run, self._now = run or self._run_command, now

    def __call__(self) -> IssuedToken:
        """A fresh credential.

        Raises:
            CredentialPluginError: the plugin could not be run, failed, or printed no credential.
        """
        command = [str(self._specification["command"]), *map(str, self._specification.get("args") or ())]
        status = _status(self._run(command, self._environment()))
        if status is None:
            # Without a cause: the error of the JSON parser carries the whole answer, which is a secret.
            raise CredentialPluginError(
                f"credential plugin {command[0]!r} printed no credential with a token or a certificate"
            )
        if status.get("clientCertificateData") and self._load_certificate:
            pair = f"{status['clientCertificateData']}\n{status.get('clientKeyData', '')}"
            self._load_certificate(pair.encode())
        return IssuedToken(str(status.get("token") or ""), self._seconds_left(status))

    def _seconds_left(self, status: Mapping[str, Any]) -> float:
        # Without an expiry a credential is used until the server answers 401, as kubectl does.
        expires = status.get("expirationTimestamp")
        return datetime.fromisoformat(str(expires)).timestamp() - self._now() if expires else float("inf")

    def _environment(self) -> dict[str, str]:
        request = {
            "apiVersion": self._specification.get("apiVersion") or _DEFAULT_VERSION,
            "kind": "ExecCredential",
            "spec": {"interactive": False},
        }
        more = {str(item["name"]): str(item["value"]) for item in self._specification.get("env") or ()}
        return {**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(request)}

    def _run_command(self, command: list[str], environment: Mapping[str, str]) -> str:
        return run_plugin(command, environment, str(self._specification.get("installHint") or ""))


def run_plugin(command: list[str], environment: Mapping[str, str], install_hint: str = "") -> str:
    """What the plugin printed; what it wrote to stderr is quoted when it fails."""
    name = command[0]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_PLUGIN_SECONDS, check=False
        )
    except FileNotFoundError as error:
        hint = f"; {install_hint.strip()}" if install_hint else "; install it or add its folder to PATH"
        raise CredentialPluginError(f"credential plugin {name!r} is not on PATH{hint}") from error
    except subprocess.TimeoutExpired as error:
        raise CredentialPluginError(f"credential plugin {name!r} took over {_PLUGIN_SECONDS} s") from error
    except OSError as error:
        raise CredentialPluginError(f"credential plugin {name!r} cannot be run: {error.strerror}") from error
    if done.returncode:
        words = done.stderr.strip()[-_LONGEST_QUOTE:] or f"exit code {done.returncode} and no explanation"
        raise CredentialPluginError(f"credential plugin {name!r} failed: {words}")
    return done.stdout


def _status(answer: str) -> dict[str, Any] | None:
    """The status of an ExecCredential; None when the text holds no usable one."""
    try:
        status = json.loads(answer)["status"]
        if status.get("expirationTimestamp"):
            datetime.fromisoformat(str(status["expirationTimestamp"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return status if status.get("token") or status.get("clientCertificateData") else None
