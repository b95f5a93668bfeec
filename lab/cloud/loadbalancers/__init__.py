"""Load balancers: Elastic Load Balancing with interfaces in its subnets, and the controllers of Services.

`lab.cloud.server` calls `install` before the first request. A load balancer is `provisioning` before it is
`active`, has an interface with an address in each subnet, and keeps subnets and VPC in use until it is
deleted. The node player sends what a cluster's controller wants for a Service to `POST /lab/load-balancers`;
`service_controller` does it through AWS's own API.

Targets drain before they are gone. Not corrected: they are healthy as soon as they are registered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import moto.elbv2.models
from moto.elb.models import ELBBackend, elb_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from lab.cloud.extension import Extension
from lab.cloud.loadbalancers.balancers import Balancers, ClassicBalancers, LabBalancer
from lab.cloud.loadbalancers.clients import Clients
from lab.cloud.loadbalancers.responses import serialise
from lab.cloud.loadbalancers.service_controller import ServiceController
from lab.cloud.loadbalancers.targets import Targets

if TYPE_CHECKING:
    from lab.cloud.extension import Parts


class LabELBv2Backend(Balancers, Targets, ELBv2Backend):  # type: ignore[misc]
    """Application and Network Load Balancers of one region."""

    __module__ = ELBv2Backend.__module__  # moto finds a backend's routes beside the module of its class


class LabELBBackend(ClassicBalancers, ELBBackend):  # type: ignore[misc]
    """Classic Load Balancers of one region."""

    __module__ = ELBBackend.__module__


def install(parts: Parts) -> Extension:
    """Replace moto's load balancers, and offer the requests of Service controllers."""
    use(parts.timing.load_balancer_provisioning, parts.timing.target_draining)
    services = ServiceController(parts.clusters, Clients(parts))
    return Extension(posts={"load-balancers": services.ensure, "load-balancers/delete": services.delete})


def use(provisioning: float, draining: float = 0.0) -> None:
    """Replace moto's classes and reset its state.

    A load balancer becomes active after `provisioning` seconds; a target with AWS's delay of 300 s drains for
    `draining` seconds.
    """
    Balancers.seconds, Targets.draining_seconds = provisioning, draining
    moto.elbv2.models.FakeLoadBalancer = LabBalancer
    elbv2_backends.backend, elb_backends.backend = LabELBv2Backend, LabELBBackend
    elbv2_backends.clear()
    elb_backends.clear()
    serialise()
