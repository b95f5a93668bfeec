"""Reads all pages of a list: the next page is on its way while the objects of this one are decoded.

Called by `KubernetesApi.listed`, which says how a page is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from eks_cilium.clients.pages.decoding import page
from eks_cilium.errors import RefusedError, UnexpectedAnswerError

if TYPE_CHECKING:
    from eks_cilium.clients.pages.decoding import Kept, Object, Page

Read = Callable[[str], bytes]
"""Reads the page that a token of the page before names; the first one where the token is empty."""

_GONE = 410


class _ExpiredError(Exception):
    """The server has forgotten the version that the pages of a list belong to."""


def listed(path: str, read: Read, keep: Callable[[Object], Kept]) -> tuple[list[Kept], str]:
    """What `keep` returns for each object of all pages, and the version of the list.

    One page is read ahead, in a thread of its own. A list that expired on the server meanwhile is read again
    from the start. Raises what `read` raises, and UnexpectedAnswerError for a page that is no JSON object.
    """
    while True:
        try:
            return _listed(lambda token: _page(path, read, token), keep)
        except _ExpiredError:
            continue


def _listed(read: Callable[[str], Page], keep: Callable[[Object], Kept]) -> tuple[list[Kept], str]:
    items: list[Kept] = []
    with ExitStack() as until_the_end:
        ahead: ThreadPoolExecutor | None = None
        current = read("")
        while token := current.following:
            ahead = ahead or until_the_end.enter_context(ThreadPoolExecutor(1))
            following = ahead.submit(read, token)
            items += current.each(keep)
            current = following.result()
        items += current.each(keep)
        return items, current.version


def _page(path: str, read: Read, token: str) -> Page:
    try:
        return page(read(token))
    except RefusedError as error:
        if error.status == _GONE and token:
            raise _ExpiredError from error
        raise
    except msgspec.DecodeError as error:
        raise UnexpectedAnswerError(
            f"{path} was answered with something that is no JSON object: {error}"
        ) from error
