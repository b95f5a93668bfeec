"""EKS add-ons: read, configure, create, delete. EKS node groups: their sizes.

A typed client over boto3's, for `eks_cilium/migration/`, which waits for what EKS then does in its own time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsError, AwsNotFoundError, RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BUSY = frozenset({"CREATING", "UPDATING", "DELETING"})
_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class AddOnState:
    """An add-on as it is now."""

    name: str
    version: str
    status: str
    configuration: str = ""
    """Its configurationValues as written."""
    role: str = ""
    tags: Mapping[str, str] | None = None
    issues: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether EKS is at work on it and refuses changes."""
        return self.status in BUSY


class Eks:
    """The add-ons and node groups of one cluster."""

    def __init__(self, client: Any, cluster_name: str) -> None:
        self._client, self._cluster = client, cluster_name

    def add_on(self, name: str) -> AddOnState | None:
        """An add-on, or None where it is not managed by EKS."""
        try:
            described = self._client.describe_addon(clusterName=self._cluster, addonName=name)["addon"]
        except AwsNotFoundError:
            return None
        return AddOnState(
            name=name,
            version=described["addonVersion"],
            status=described["status"],
            configuration=described.get("configurationValues") or "",
            role=described.get("serviceAccountRoleArn") or "",
            tags=described.get("tags") or {},
            issues=tuple(one["message"] for one in (described.get("health") or {}).get("issues") or ()),
        )

    def configure(self, name: str, configuration: str) -> None:
        """Give an add-on other configurationValues. They are its whole configuration, not a change to it.

        PRESERVE keeps fields that others own; those an add-on sets itself it may always change.
        """
        self._changed(
            lambda: self._client.update_addon(
                clusterName=self._cluster,
                addonName=name,
                configurationValues=configuration,
                resolveConflicts="PRESERVE",
            )
        )

    def create(self, wanted: AddOnState) -> None:
        """Create an add-on as it once was, over objects that may still be there."""
        more: dict[str, Any] = {}
        if wanted.role:
            more["serviceAccountRoleArn"] = wanted.role
        if wanted.configuration:
            more["configurationValues"] = wanted.configuration
        if wanted.tags:
            more["tags"] = dict(wanted.tags)
        self._changed(
            lambda: self._client.create_addon(
                clusterName=self._cluster,
                addonName=wanted.name,
                addonVersion=wanted.version,
                resolveConflicts="OVERWRITE",
                **more,
            )
        )

    def delete(self, name: str) -> None:
        """Delete an add-on and its software; `preserve` would leave the software running."""
        with suppress(AwsNotFoundError):
            self._client.delete_addon(clusterName=self._cluster, addonName=name, preserve=False)

    def scale(self, node_group: str, *, minimum: int, maximum: int, desired: int) -> None:
        """Set the sizes of a managed node group. EKS hands them on to its Auto Scaling group."""
        sizes = {"minSize": minimum, "maxSize": maximum, "desiredSize": desired}
        self._changed(
            lambda: self._client.update_nodegroup_config(
                clusterName=self._cluster, nodegroupName=node_group, scalingConfig=sizes
            )
        )

    def node_group_status(self, node_group: str) -> str:
        """Whether EKS is at work on a managed node group."""
        described = self._client.describe_nodegroup(clusterName=self._cluster, nodegroupName=node_group)
        return str(described["nodegroup"]["status"])

    def _changed(self, change: Callable[[], Any]) -> None:
        try:
            change()
        except AwsError as error:
            if error.code == "ResourceInUseException":
                raise TransientError(f"EKS is busy: {error.reason}") from error
            if error.code in ("InvalidParameterException", "InvalidRequestException"):
                raise RefusedError(f"EKS refused the change: {error.reason}", status=_BAD_REQUEST) from error
            raise
