"""Which AWS calls were made, as the cloud wrote them into its log: refused ones and those of services too."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    time: float
    service: str
    action: str
    parameters: dict[str, Any] = field(repr=False)
    error: str | None
    principal: str | None

    @property
    def by_aws(self) -> bool:
        """Return whether an AWS service made the call, with its service-linked role."""
        return "AWSServiceRole" in (self.principal or "")


@dataclass(frozen=True)
class CallLog:
    """The cloud's log of AWS calls, from the Unix time `since` on."""

    path: Path
    since: float = 0.0

    def calls(self, *actions: str) -> list[Call]:
        """Return the calls of `actions`, refused ones included; of all actions where none is named."""
        read = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [
            Call(**{name: entry[name] for name in Call.__dataclass_fields__})
            for entry in read
            if entry["time"] >= self.since and (not actions or entry["action"] in actions)
        ]

    def accepted(self, *actions: str) -> list[Call]:
        """Return the calls that AWS accepted and that no AWS service made itself."""
        return [call for call in self.calls(*actions) if call.error is None and not call.by_aws]

    def terminated(self) -> list[str]:
        """Return the instances that were terminated by id, in order."""
        calls = self.accepted("TerminateInstanceInAutoScalingGroup", "TerminateInstances")
        return [instance for call in calls for instance in _instances(call.parameters)]


def _instances(parameters: dict[str, Any]) -> list[str]:
    return [str(value) for name, value in parameters.items() if name.partition(".")[0] == "InstanceId"]
