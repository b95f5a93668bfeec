"""The add-on vpc-cni of EKS: its configuration is replaced as a whole, and EKS applies it later.

The affinity of aws-node, its SNAT exclusions and its removal share this. EKS rejects a change while it
carries out another one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from eks_cilium.errors import TransientError
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

NO_CONFIGURATION = "{}"
"""For an add-on that had no configuration: EKS has no way to remove configurationValues."""


def configure(run: Run, configuration: str) -> None:
    """Configure the add-on and wait until EKS has applied the configuration."""

    def refused() -> str:
        try:
            run.world.eks.configure(VPC_CNI, configuration)
        except TransientError as error:
            return str(error)
        return ""

    current = run.world.eks.add_on(VPC_CNI)
    if current is not None and not current.busy and current.configuration == configuration:
        return
    for missing, what in (
        (refused, "EKS to accept the configuration"),
        (lambda: busy(run.world), "the add-on vpc-cni"),
    ):
        run.wait(missing, waited_for=what, seconds=run.limits.roll_out, topic=Topic.ADD_ON)


def busy(world: World) -> str:
    """What EKS still does with the add-on, in one sentence. Raises StoppedError where it failed."""
    add_on = world.eks.add_on(VPC_CNI)
    if add_on is None:
        return "the add-on vpc-cni does not exist"
    if add_on.status.endswith("_FAILED"):
        raise StoppedError(Topic.ADD_ON, f"the add-on vpc-cni is {add_on.status}: {'; '.join(add_on.issues)}")
    return f"the add-on vpc-cni is {add_on.status}" if add_on.busy else ""


def values(configuration: str) -> Mapping[str, Any]:
    """The values in a configuration, JSON or YAML."""
    return (yaml.safe_load(configuration) if configuration.strip() else {}) or {}


def configured(configuration: str, **changed: Any) -> str:
    """The whole configuration with some of its values changed."""
    return json.dumps({**values(configuration), **changed}, sort_keys=True)
