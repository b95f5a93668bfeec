"""Route 53 with AWS's refusals for private zones and records, and the authorizations that moto lacks.

`lab.cloud.server` calls `install` before the first request. `resolution` answers what a name means to a
machine in a VPC; `lab.cloud.reachability` uses it.

Not corrected: changes are in sync at once, and values are not checked against record types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import moto.route53.urls
from moto.route53.models import Route53Backend, route53_backends

from lab.cloud.extension import Extension
from lab.cloud.route53.responses import LabRoute53
from lab.cloud.route53.zones import Authorizations, Records, ZoneAssociations

if TYPE_CHECKING:
    from lab.cloud.extension import Parts

_AUTHORIZE = r"{0}/(?P<api_version>[\d_-]+)/hostedzone/(?P<zone_id>[^/]+)/authorizevpcassociation/?$"
_DEAUTHORIZE = r"{0}/(?P<api_version>[\d_-]+)/hostedzone/(?P<zone_id>[^/]+)/deauthorizevpcassociation/?$"


class LabRoute53Backend(ZoneAssociations, Authorizations, Records, Route53Backend):  # type: ignore[misc]
    """All zones of one account."""

    __module__ = Route53Backend.__module__  # moto finds a backend's routes beside the module of its class


def install(_: Parts) -> Extension:
    """Replace moto's Route 53 with this one."""
    use()
    return Extension()


def use() -> None:
    """Replace moto's classes and reset its state."""
    paths = moto.route53.urls.url_paths
    for path in [*paths, _AUTHORIZE, _DEAUTHORIZE]:
        paths[path] = LabRoute53.dispatch
    route53_backends.backend = LabRoute53Backend
    route53_backends.clear()
