"""Both load balancing APIs, one call at a time: moto serves each request in its own thread."""

from __future__ import annotations

from typing import Any

from moto.elb.responses import ELBResponse
from moto.elbv2.responses import ELBV2Response

from lab.cloud.schedule import BACKENDS


def serialise() -> None:
    """Hold the lock of the backends during each call.

    moto finds the class by the API version in a URL, so that it has to be changed in place.
    """
    for response in (ELBResponse, ELBV2Response):
        if "call_action" not in vars(response):
            response.call_action = _one_at_a_time(response)


def _one_at_a_time(response: Any) -> Any:
    theirs = response.call_action

    def call_action(self: Any) -> Any:
        with BACKENDS:
            return theirs(self)

    return call_action
