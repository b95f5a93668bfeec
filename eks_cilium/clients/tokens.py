"""Bearer tokens of the Kubernetes API: kept while they are valid, renewed before they expire.

`KubernetesApi` and `PodExec` send them. Where tokens come from is up to a function: AWS (`clients.aws`), a
credential plugin (`clients.exec_plugin`), a file or a fixed text (`clients.kubeconfig`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.errors import CredentialsExpiredError, ProgramError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

# A token that expires within this many seconds is not sent any more: the request has to arrive first.
EXPIRY_MARGIN = 30.0
# EKS tokens are valid for 15 minutes, and their source does not say so. Source: token.go of
# kubernetes-sigs/aws-iam-authenticator, `presignedURLExpiration`.
_DEFAULT_LIFE = 600.0
_DEFAULT_VALIDITY = 900.0
# After a source has failed, while the token that it is to replace is still valid.
_RETRY_SECONDS = 15.0


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """A token and how long it is valid. Its `repr` does not show it."""

    value: str
    """Empty when the TLS connection itself identifies the user."""
    lasts: float | None = None
    """Seconds from now on; None when the issuer does not say."""


class BearerToken:
    """The current token of one user; safe to use from several threads.

    Args:
        source: Fetches a token. What it raises, `current` raises.
        life: Seconds after which a token is renewed whose issuer does not say when it expires.
        validity: Seconds for which the server accepts such a token. It is sent for so long where the source
            fails meanwhile.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        source: Callable[[], str | IssuedToken],
        *,
        life: float = _DEFAULT_LIFE,
        validity: float = _DEFAULT_VALIDITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._clock = source, clock
        self._life, self._validity = life, max(validity, life)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = self._valid_until = 0.0
        self._had_token = False

    @classmethod
    def fixed(cls, token: str) -> BearerToken:
        """A token that has no successor."""
        return _FixedToken(lambda: token, life=float("inf"))

    def current(self) -> str:
        """A token that is valid now; empty when the TLS connection itself identifies the user."""
        with self._lock:
            if self._token is None or self._clock() > self._renew_at:
                self._renew_if_possible()
            return self._token or ""

    def forget(self, refused: str) -> bool:
        """Do not send a token again that the server refused; says whether another one can be had.

        A token that another thread has replaced already is not fetched a second time.
        """
        with self._lock:
            if self._token == refused:
                self._token = None
            return True

    def _renew_if_possible(self) -> None:
        """Renew the token, or keep it while it is valid. Raises what the source raises.

        A source that worked before may work again, so its error becomes CredentialsExpiredError then.
        """
        try:
            self._renew()
        except ProgramError as error:
            now = self._clock()
            if self._token is not None and now < self._valid_until:
                self._renew_at = now + _RETRY_SECONDS
            elif self._had_token and not isinstance(error, TransientError):
                raise CredentialsExpiredError(f"no new token for the API server: {error}") from error
            else:
                raise

    def _renew(self) -> None:
        issued, now = self._source(), self._clock()
        token = issued if isinstance(issued, IssuedToken) else IssuedToken(issued)
        self._token = token.value
        self._had_token = True
        self._renew_at = now + (self._life if token.lasts is None else token.lasts - EXPIRY_MARGIN)
        self._valid_until = now + (self._validity if token.lasts is None else token.lasts) - EXPIRY_MARGIN


class _FixedToken(BearerToken):
    def forget(self, refused: str) -> bool:  # noqa: ARG002  # the signature of BearerToken
        return False
