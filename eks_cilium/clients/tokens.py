"""Bearer tokens of the Kubernetes API: kept while they are valid, renewed before they expire.

`KubernetesApi` and `PodExec` send them. Where tokens come from is up to a function: AWS (`clients.aws`), a
credential plugin (`clients.exec_plugin`), a file or a fixed text (`clients.kubeconfig`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A token that expires within this many seconds is not sent any more: the request has to arrive first.
EXPIRY_MARGIN = 30.0
# EKS tokens are valid for 15 minutes, and their source does not say so.
_DEFAULT_LIFE = 600.0


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
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        source: Callable[[], str | IssuedToken],
        *,
        life: float = _DEFAULT_LIFE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._life, self._clock = source, life, clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    @classmethod
    def fixed(cls, token: str) -> BearerToken:
        """A token that has no successor."""
        return _FixedToken(lambda: token, life=float("inf"))

    def current(self) -> str:
        """A token that is valid now; empty when the TLS connection itself identifies the user."""
        with self._lock:
            if self._token is None or self._clock() > self._renew_at:
                self._renew()
            return self._token or ""

    def forget(self, refused: str) -> bool:
        """Do not send a token again that the server refused; says whether another one can be had.

        A token that another thread has replaced already is not fetched a second time.
        """
        with self._lock:
            if self._token == refused:
                self._token = None
            return True

    def _renew(self) -> None:
        issued, now = self._source(), self._clock()
        token = issued if isinstance(issued, IssuedToken) else IssuedToken(issued)
        self._token = token.value
        self._renew_at = now + (self._life if token.lasts is None else token.lasts - EXPIRY_MARGIN)


class _FixedToken(BearerToken):
    def forget(self, refused: str) -> bool:  # noqa: ARG002  # the signature of BearerToken
        return False
