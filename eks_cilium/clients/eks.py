"""EKS add-ons: read, configure, create, delete. Managed node groups: their sizes.

A typed client over boto3's, which `eks_cilium.migration` uses. EKS accepts a change and carries it out later:
callers wait until the add-on or the node group is no longer busy.
"""

from __future__ import annotations

import json
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
    """An add-on as it was read."""

    name: str
    version: str
    """As in `v1.20.4-eksbuild.2`."""
    status: str
    """EKS's status, as in `ACTIVE`."""
    configuration: str = ""
    """Its configurationValues, JSON or YAML as the user wrote them; empty for the defaults."""
    role: str = ""
    """ARN of the role of its service account; empty when it has none."""
    tags: Mapping[str, str] | None = None
    issues: tuple[str, ...] = ()
    """What EKS reports as unhealthy, one message each."""

    @property
    def busy(self) -> bool:
        """Whether EKS is changing it and rejects other changes."""
        return self.status in BUSY


def configuration_takes(client: Any, name: str, version: str, key: str) -> bool:
    """Whether the configuration of an add-on's version may have a key at its top; `client` is boto3's.

    Raises AwsRefusedError where EKS does not say it.
    """
    described = client.describe_addon_configuration(addonName=name, addonVersion=version)
    return accepts(described.get("configurationSchema") or "", key)


def accepts(schema: str, key: str) -> bool:
    """Whether a JSON schema, as text, lets an object have a key; a schema without limits does."""
    root: dict[str, Any] = json.loads(schema) if schema.strip() else {}
    top = root
    if "$ref" in root:  # as in "#/definitions/VpcCni"
        for part in str(root["$ref"]).removeprefix("#/").split("/"):
            top = top.get(part) or {}
    return key in (top.get("properties") or {}) or top.get("additionalProperties", True) is not False


class Eks:
    """The add-ons and node groups of one cluster; `client` is boto3's, from `clients.aws.client`.

    Methods that change something raise TransientError while EKS is busy with another change, and RefusedError
    when it rejects this one. Every method also raises what `clients.aws_errors.translated` lists.
    """

    def __init__(self, client: Any, cluster_name: str) -> None:
        self._client, self._cluster = client, cluster_name

    def add_on(self, name: str) -> AddOnState | None:
        """An add-on; None where EKS does not manage one of that name."""
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
            issues=tuple(issue["message"] for issue in (described.get("health") or {}).get("issues") or ()),
        )

    def configure(self, name: str, configuration: str) -> None:
        """Replace the configurationValues of an add-on; they are its whole configuration, not a change to it.

        Fields of its objects that other field managers own are kept (`PRESERVE`).
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
        """Create an add-on as it was read before; objects of it that still exist are overwritten."""
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
        """Delete an add-on and its objects in the cluster. An add-on that does not exist is no error."""
        with suppress(AwsNotFoundError):
            self._client.delete_addon(clusterName=self._cluster, addonName=name, preserve=False)

    def scale(
        self,
        node_group: str,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        desired: int | None = None,
    ) -> None:
        """Set sizes of a managed node group; EKS passes them to its Auto Scaling group.

        None leaves a size to EKS: "you can specify any or none of the properties" (NodegroupScalingConfig).
        """
        sizes = {"minSize": minimum, "maxSize": maximum, "desiredSize": desired}
        given = {key: size for key, size in sizes.items() if size is not None}
        self._changed(
            lambda: self._client.update_nodegroup_config(
                clusterName=self._cluster, nodegroupName=node_group, scalingConfig=given
            )
        )

    def node_group_status(self, node_group: str) -> str:
        """EKS's status of a managed node group, as in `ACTIVE` or `UPDATING`."""
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
