"""Calls about add-ons of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.eks import prerequisites
from lab.cloud.eks.addons.catalogue import CATALOGUE, kind_of, schema_text
from lab.cloud.eks.errors import (
    InvalidParameterError,
    NotEmulatedError,
    ResourceInUseError,
    ResourceNotFoundError,
)
from lab.cloud.eks.records.descriptions import new_id
from lab.cloud.eks.records.model import Addon
from lab.cloud.eks.records.store import addon_of
from lab.cloud.eks.records.updates import Update

if TYPE_CHECKING:
    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.eks.records.store import Store


class AddonCalls:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = store.environment

    def create_addon(self, call: Call) -> Answer:
        """Accept a new add-on, which is CREATING until its software is installed and available."""
        cluster = self._store.active(call)
        name = call["addonName"]
        with cluster.lock:
            kind_of(name)
            if name in cluster.addons:
                message = f"Addon already exists: {name}"
                raise ResourceInUseError(message, clusterName=cluster.name, addonName=name)
            addon = self._new_addon(cluster, call)
            cluster.addons[name] = addon
        return {"addon": addon.describe()}

    def describe_addon(self, call: Call) -> Answer:
        return {"addon": addon_of(self._store.cluster(call), call["addonName"]).describe()}

    def list_addons(self, call: Call) -> Answer:
        return {"addons": sorted(self._store.cluster(call).addons)}

    def update_addon(self, call: Call) -> Answer:
        """Change the version or the configuration of an add-on."""
        cluster = self._store.active(call)
        with cluster.lock:
            addon = addon_of(cluster, call["addonName"])
            if addon.status in {"CREATING", "UPDATING", "DELETING"}:
                message = f"Addon {addon.name} cannot be updated as it is {addon.status}"
                raise ResourceInUseError(message, clusterName=cluster.name, addonName=addon.name)
            self._refuse_unsupported(call)
            self._change(cluster, addon, call)
            now = self._environment.now()
            parameters = [("AddonVersion", addon.version)]
            if call.get("resolveConflicts"):
                parameters.append(("ResolveConflicts", call["resolveConflicts"]))
            if call.get("configurationValues"):
                parameters.append(("ConfigurationValues", call["configurationValues"]))
            update = Update("AddonUpdate", now, parameters, due=None)
            addon.updates[update.identifier] = update
            addon.status, addon.installed, addon.modified_at = "UPDATING", False, now
            addon.due, addon.unhealthy_since = now + self._environment.timing.addon, None
        return {"update": update.describe()}

    def delete_addon(self, call: Call) -> Answer:
        """Accept the deletion of an add-on; with `preserve` its software stays in the cluster."""
        cluster = self._store.active(call)
        with cluster.lock:
            addon = addon_of(cluster, call["addonName"])
            addon.status, addon.preserve = "DELETING", call.get("preserve", False)
            addon.due = self._environment.now() + self._environment.timing.addon_delete
            return {"addon": addon.describe()}

    def describe_addon_versions(self, call: Call) -> Answer:
        """Return the offered add-ons with their versions, newest first; of an unknown name none."""
        name, minor = call.get("addonName"), call.get("kubernetesVersion")
        found = [kind.describe(minor) for kind in CATALOGUE.values() if name in (None, kind.name)]
        return {"addons": [kind for kind in found if kind["addonVersions"]]}

    def describe_addon_configuration(self, call: Call) -> Answer:
        kind = kind_of(call["addonName"])
        version = call["addonVersion"]
        if not any(version in builds for builds in kind.builds.values()):
            message = f"Addon version specified is not supported: {kind.name} {version}"
            raise ResourceNotFoundError(message)
        return {
            "addonName": kind.name,
            "addonVersion": version,
            "configurationSchema": schema_text(kind),
        }

    def _new_addon(self, cluster: Cluster, call: Call) -> Addon:
        self._refuse_unsupported(call)
        kind = kind_of(call["addonName"])
        kind.configuration(call.get("configurationValues"))
        role = call.get("serviceAccountRoleArn")
        if role:
            prerequisites.check_role_exists(self._environment.aws(cluster.region), role)
        now = self._environment.now()
        base = f"arn:aws:eks:{cluster.region}:{self._environment.account}:addon"
        return Addon(
            name=kind.name,
            cluster=cluster.name,
            arn=f"{base}/{cluster.name}/{kind.name}/{new_id()}",
            created_at=now,
            modified_at=now,
            version=kind.version(cluster.version, call.get("addonVersion")),
            role=role,
            configuration=call.get("configurationValues"),
            tags=dict(call.get("tags", {})),
            conflicts=call.get("resolveConflicts", "NONE"),
            due=now + self._environment.timing.addon,
        )

    def _refuse_unsupported(self, call: Call) -> None:
        if call.get("podIdentityAssociations") or call.get("namespaceConfig"):
            message = "the lab does not emulate podIdentityAssociations and namespaceConfig of EKS add-ons"
            raise NotEmulatedError(message)

    def _change(self, cluster: Cluster, addon: Addon, call: Call) -> None:
        kind = kind_of(addon.name)
        if (
            call.get("addonVersion") is None
            and call.get("configurationValues") is None
            and not call.get("serviceAccountRoleArn")
        ):
            message = "No changes were given for the addon"
            raise InvalidParameterError(message)
        kind.configuration(call.get("configurationValues"))
        addon.version = kind.version(cluster.version, call.get("addonVersion") or addon.version)
        addon.configuration = call.get("configurationValues", addon.configuration)
        addon.role = call.get("serviceAccountRoleArn", addon.role)
        addon.conflicts = call.get("resolveConflicts", "NONE")
