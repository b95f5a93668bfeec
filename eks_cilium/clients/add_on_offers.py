"""What EKS offers of an add-on for a Kubernetes version, and whether a wanted add-on can be installed.

`stacks/add_ons.py` asks before it registers anything: EKS would refuse the add-on at the end of an update,
when the cluster and its nodes exist already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from eks_cilium.errors import AwsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_PROBLEMS = 3
"""How many mistakes of one configuration are named."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The versions of an add-on for one Kubernetes version."""

    versions: tuple[str, ...]
    """Newest first."""
    default: str
    """What EKS installs where no version is named."""
    needs_role: bool = False
    """Whether its service account needs an IAM role."""


def offer(eks: Any, name: str, kubernetes: str) -> Offer | None:
    """What EKS offers; None where it has no add-on of that name for the Kubernetes version.

    `eks` is boto3's client, from `clients.aws.client`.
    """
    try:
        pages = eks.get_paginator("describe_addon_versions").paginate(
            addonName=name, kubernetesVersion=kubernetes
        )
        found = [version for page in pages for kind in page["addons"] for version in kind["addonVersions"]]
    except AwsNotFoundError:
        return None
    if not found:
        return None
    default = next((version for version in found if _is_default(version, kubernetes)), found[0])
    return Offer(
        versions=tuple(version["addonVersion"] for version in found),
        default=default["addonVersion"],
        needs_role=bool(default.get("requiresIamPermissions")),
    )


def _is_default(version: Mapping[str, Any], kubernetes: str) -> bool:
    return any(
        fitting["clusterVersion"] == kubernetes and fitting.get("defaultVersion")
        for fitting in version["compatibilities"]
    )


def schema(eks: Any, name: str, version: str) -> str:
    """The JSON schema, as text, of the configuration of an add-on's version; empty where it has none."""
    described = eks.describe_addon_configuration(addonName=name, addonVersion=version)
    return described.get("configurationSchema") or ""


def misfits(
    values: Mapping[str, Any], configuration_schema: str
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where values do not fit a schema, and how; at most three places.

    A schema that refers to another document is not fetched: what it describes is left to EKS.
    """
    if not configuration_schema.strip():
        return
    described = json.loads(configuration_schema)
    validator = validator_for(described)(described, registry=Registry())
    try:
        errors = [*islice(validator.iter_errors(dict(values)), _MOST_PROBLEMS)]
    except Unresolvable:
        return
    yield from ((tuple(error.absolute_path), error.message) for error in errors)
