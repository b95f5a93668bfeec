"""Auto Scaling with AWS's behaviour, in place of moto's: bounds, balanced zones, states that take time.

`lab.cloud.server` calls `install` before the first request. `service` and its siblings hold the rules and
know neither HTTP nor moto; `fleet` connects them to EC2, `responses` to HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import moto.autoscaling.urls
from moto.ec2.models import ec2_backends

from lab.cloud.autoscaling.fleet import Ec2Fleet
from lab.cloud.autoscaling.responses import LabAutoScalingResponse
from lab.cloud.autoscaling.service import AutoScaling
from lab.cloud.extension import Extension
from lab.cloud.requests.faults import Faults
from lab.cloud.schedule import BACKENDS, Schedule, Ticker

if TYPE_CHECKING:
    from lab.cloud.extension import Parts
    from lab.cloud.timing import Timing


class Regions:
    """The Auto Scaling service of each account and region, created on first use."""

    def __init__(self, timing: Timing, schedule: Schedule) -> None:
        self._timing = timing
        self._schedule = schedule
        self._services: dict[tuple[str, str], AutoScaling] = {}

    def service(self, account: str, region: str) -> AutoScaling:
        """Return the service of one region, after running what is due."""
        with BACKENDS:
            if (account, region) not in self._services:
                fleet = Ec2Fleet(ec2_backends[account][region])
                created = AutoScaling(fleet, self._schedule, self._timing, account, region)
                self._services[account, region] = created
            self._schedule.run_due()
            return self._services[account, region]

    def tick(self) -> None:
        """Run what is due and reconcile all groups."""
        with BACKENDS:
            self._schedule.run_due()
            for service in self._services.values():
                service.reconcile_all()


def install(parts: Parts) -> Extension:
    """Serve Auto Scaling's calls here, and keep every group at its size."""
    regions = use(parts.timing, Schedule())
    faults = Faults(parts.directory / "faults.jsonl")
    ticker = Ticker("autoscaling", parts.timing.asg_poll, regions.tick, faults.record).start()
    return Extension(stop=ticker.stop)


def use(timing: Timing, schedule: Schedule) -> Regions:
    """Route Auto Scaling's calls to the lab's services; tests pass a schedule with their own clock."""
    regions = Regions(timing, schedule)
    LabAutoScalingResponse.find_service = regions.service
    moto.autoscaling.urls.url_paths["{0}/$"] = LabAutoScalingResponse.dispatch
    return regions
