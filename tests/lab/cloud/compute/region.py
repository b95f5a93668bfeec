"""One region's Auto Scaling without HTTP and moto: EC2 is a dictionary, time is a number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.cloud.autoscaling.fleet import InstanceState, LaunchFailedError, LaunchOrder, NotInFleetError
from lab.cloud.autoscaling.model import IN_SERVICE, Subnet, Template
from lab.cloud.autoscaling.service import AutoScaling
from lab.cloud.schedule import Schedule
from lab.cloud.timing import Timing

SUBNETS = {f"subnet-{zone}": Subnet(f"subnet-{zone}", f"us-east-1{zone}") for zone in "abc"}
LAUNCH, END, POLL = 30, 60, 1


class FakeFleet:
    """EC2 as a dictionary, with zones that may be out of capacity."""

    def __init__(self) -> None:
        self.instances: dict[str, InstanceState] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.latest = 1
        self.default = 1
        self.without_capacity: set[str] = set()

    def subnet(self, identifier: str) -> Subnet:
        if identifier not in SUBNETS:
            raise NotInFleetError(f"The subnet ID '{identifier}' does not exist")
        return SUBNETS[identifier]

    def template(self, reference: dict[str, str]) -> Template:
        if reference.get("LaunchTemplateName") != "nodes":
            raise NotInFleetError("The specified launch template does not exist.")
        return Template("lt-1", "nodes", reference.get("Version", "$Default"))

    def resolve(self, template: Template) -> Template:
        numbers = {"$Latest": str(self.latest), "$Default": str(self.default)}
        return replace(template, version=numbers.get(template.version, template.version))

    def instance_type(self, template: Template) -> str:
        return "m5.large"

    def launch(self, order: LaunchOrder) -> str:
        if order.subnet.zone in self.without_capacity:
            raise LaunchFailedError(f"We currently do not have sufficient capacity in {order.subnet.zone}.")
        identifier = f"i-{len(self.instances):04d}"
        self.instances[identifier] = InstanceState(order.subnet, order.instance_type or "m5.large", "running")
        self.tags[identifier] = dict(order.tags)
        return identifier

    def terminate(self, instance: str) -> None:
        self.instances[instance] = replace(self.instances[instance], state="terminated")

    def facts(self, instance: str) -> InstanceState:
        if instance not in self.instances:
            raise NotInFleetError(f"Invalid Instance ID(s): [{instance}] specified")
        return self.instances[instance]

    def untag(self, instance: str, key: str) -> None:
        self.tags[instance].pop(key, None)


class Region:
    """Auto Scaling, its fleet, and a clock that the test advances."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0
        self.schedule = Schedule(lambda: self.now)
        self.fleet = FakeFleet()
        timing = Timing(asg_launch=LAUNCH, asg_terminating=END, asg_poll=POLL)
        self.scaling = AutoScaling(self.fleet, self.schedule, timing, "123456789012", "us-east-1")

    def create(self, **more: Any) -> None:
        self.scaling.create(
            {
                "AutoScalingGroupName": "nodes",
                "MinSize": 0,
                "MaxSize": 10,
                "DesiredCapacity": 3,
                "VPCZoneIdentifier": ",".join(SUBNETS),
                "LaunchTemplate": {"LaunchTemplateName": "nodes", "Version": "$Latest"},
                **more,
            }
        )

    @property
    def group(self) -> Any:
        return self.scaling.groups["nodes"]

    def pass_time(self, seconds: float = LAUNCH + END + 5) -> None:
        for _ in range(round(seconds)):
            self.now += 1
            self.schedule.run_due()
            self.scaling.reconcile_all()

    def states(self) -> dict[str, str]:
        return {member.id: member.state for member in self.group.members.values()}

    def serving(self) -> list[str]:
        return [instance for instance, state in self.states().items() if state == IN_SERVICE]

    def zones(self) -> list[str]:
        return sorted(self.group.members[instance].subnet.zone[-1] for instance in self.serving())
