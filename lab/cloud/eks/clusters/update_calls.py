"""Calls that change a cluster, and about its updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.eks import prerequisites, versions
from lab.cloud.eks.clusters import encryption
from lab.cloud.eks.clusters.calls import check_endpoint_access, logging_of, refuse_unsupported
from lab.cloud.eks.errors import InvalidParameterError, ResourceInUseError, ResourceNotFoundError
from lab.cloud.eks.records.store import addon_of, nodegroup_of
from lab.cloud.eks.records.updates import Update

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.eks.records.store import Store

AUTHENTICATION_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
_ENDPOINT_ACCESS = ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
_PARAMETER_NAMES = {
    "endpointPublicAccess": "EndpointPublicAccess",
    "endpointPrivateAccess": "EndpointPrivateAccess",
    "publicAccessCidrs": "PublicAccessCidrs",
    "subnetIds": "Subnets",
    "securityGroupIds": "SecurityGroups",
}


class ClusterUpdates:
    def __init__(self, store: Store, change_version: Callable[[Cluster, str], None]) -> None:
        self._store = store
        self._environment = store.environment
        self._change_version = change_version
        self._changes: dict[str, Callable[[Cluster, Any], Update]] = {
            "resourcesVpcConfig": self._placement_or_access,
            "logging": self._logging,
            "accessConfig": self._authentication,
            "upgradePolicy": self._support,
            "deletionProtection": self._protection,
            "zonalShiftConfig": self._zonal_shift,
        }

    def update_cluster_config(self, call: Call) -> Answer:
        """Change one aspect of a cluster; EKS allows one at a time."""
        refuse_unsupported(call)
        cluster = self._store.active(call)
        asked = [aspect for aspect in self._changes if call.get(aspect) is not None]
        if len(asked) != 1:
            message = "Exactly one type of update can be made at a time: " + ", ".join(
                asked or ["none was given"]
            )
            raise InvalidParameterError(message)
        with cluster.lock:
            refuse_second_update(cluster)
            return self._started(cluster, self._changes[asked[0]](cluster, call[asked[0]]))

    def update_cluster_version(self, call: Call) -> Answer:
        """Upgrade a cluster to the next minor version."""
        cluster = self._store.active(call)
        if call.get("version") is None:
            message = "version is required"
            raise InvalidParameterError(message)
        with cluster.lock:
            refuse_second_update(cluster)
            versions.check_upgrade(cluster.version, call["version"])
            wanted = versions.offered(call["version"])
            update = self._update(
                "VersionUpdate", [("Version", wanted.minor), ("PlatformVersion", wanted.platform)]
            )
            update.finish = lambda: self._change_version(cluster, wanted.minor)
            return self._started(cluster, update)

    def associate_encryption_config(self, call: Call) -> Answer:
        """Encrypt the Secrets of a cluster that has no key yet; EKS never changes or removes a key."""
        cluster = self._store.active(call)
        wanted = call["encryptionConfig"]
        with cluster.lock:
            refuse_second_update(cluster)
            if cluster.encryption:
                message = f"Encryption is already enabled on cluster {cluster.name}"
                raise InvalidParameterError(message)
            after = encryption.checked(self._environment.aws(cluster.region), cluster.region, wanted)
            update = self._update("AssociateEncryptionConfig", [("EncryptionConfig", _text(wanted))])
            update.finish = lambda: setattr(cluster, "encryption", after)
            return self._started(cluster, update)

    def describe_update(self, call: Call) -> Answer:
        """Return one update of a cluster, a node group or an add-on."""
        updates = self._updates(call)
        if call["updateId"] not in updates:
            message = f"No update found for ID: {call['updateId']}"
            raise ResourceNotFoundError(message)
        return {"update": updates[call["updateId"]].describe()}

    def list_updates(self, call: Call) -> Answer:
        """Return the ids of the updates of a cluster, a node group or an add-on."""
        return {"updateIds": list(self._updates(call))}

    def _updates(self, call: Call) -> dict[str, Update]:
        cluster = self._store.cluster(call)
        if call.get("nodegroupName"):
            return nodegroup_of(cluster, call["nodegroupName"]).updates
        if call.get("addonName"):
            return addon_of(cluster, call["addonName"]).updates
        return cluster.updates

    def _update(self, kind: str, parameters: list[tuple[str, str]]) -> Update:
        now = self._environment.now()
        return Update(kind, now, parameters, now + self._environment.timing.cluster_update)

    def _started(self, cluster: Cluster, update: Update) -> Answer:
        cluster.updates[update.identifier] = update
        cluster.status = "UPDATING"
        return {"update": update.describe()}

    def _placement_or_access(self, cluster: Cluster, wanted: dict[str, Any]) -> Update:
        changed = {name: value for name, value in wanted.items() if cluster.vpc.get(name) != value}
        if not changed:
            message = "Cluster is already at the desired configuration with " + ", ".join(
                f"{name}: {value}" for name, value in wanted.items()
            )
            raise InvalidParameterError(message)
        access = [name for name in changed if name in _ENDPOINT_ACCESS]
        if access and len(access) != len(changed):
            message = "Endpoint access and subnets or security groups cannot change in one update"
            raise InvalidParameterError(message)
        if not access:
            self._check_placement(cluster, changed)
        after = cluster.vpc | changed
        check_endpoint_access(public=after["endpointPublicAccess"], private=after["endpointPrivateAccess"])
        kind = "EndpointAccessUpdate" if access else "VpcConfigUpdate"
        update = self._update(
            kind, [(_PARAMETER_NAMES[name], _text(value)) for name, value in changed.items()]
        )
        update.finish = lambda: cluster.vpc.update(changed)
        return update

    def _check_placement(self, cluster: Cluster, changed: dict[str, Any]) -> None:
        aws = self._environment.aws(cluster.region)
        subnets: list[str] = changed.get("subnetIds") or cluster.vpc["subnetIds"]
        if prerequisites.find_subnets(aws, subnets).vpc != cluster.vpc["vpcId"]:
            message = f"Subnets must be in the VPC of the cluster, {cluster.vpc['vpcId']}"
            raise InvalidParameterError(message)
        prerequisites.check_security_groups(aws, changed.get("securityGroupIds", []), cluster.vpc["vpcId"])

    def _logging(self, cluster: Cluster, wanted: dict[str, Any]) -> Update:
        after = logging_of(wanted, cluster.logging)
        if after == cluster.logging:
            message = "No changes needed for the logging config provided"
            raise InvalidParameterError(message)
        update = self._update("LoggingUpdate", [("ClusterLogging", _text(wanted))])
        update.finish = lambda: cluster.logging.update(after)
        return update

    def _authentication(self, cluster: Cluster, wanted: dict[str, Any]) -> Update:
        mode = wanted.get("authenticationMode", cluster.authentication_mode)
        if AUTHENTICATION_MODES.index(mode) <= AUTHENTICATION_MODES.index(cluster.authentication_mode):
            message = f"Unsupported authentication mode update from {cluster.authentication_mode} to {mode}"
            raise InvalidParameterError(message)
        update = self._update("AccessConfigUpdate", [("AuthenticationMode", mode)])
        update.finish = lambda: setattr(cluster, "authentication_mode", mode)
        return update

    def _support(self, cluster: Cluster, wanted: dict[str, Any]) -> Update:
        kind = wanted.get("supportType", cluster.upgrade_policy)
        update = self._update("UpgradePolicyUpdate", [("UpgradePolicy", _text(wanted))])
        update.finish = lambda: setattr(cluster, "upgrade_policy", kind)
        return update

    def _protection(self, cluster: Cluster, wanted: bool) -> Update:
        update = self._update("DeletionProtectionUpdate", [("DeletionProtection", _text(wanted))])
        update.finish = lambda: setattr(cluster, "deletion_protection", wanted)
        return update

    def _zonal_shift(self, cluster: Cluster, wanted: dict[str, Any]) -> Update:
        on = wanted.get("enabled", False)
        update = self._update("ZonalShiftConfigUpdate", [("ZonalShiftConfig", _text(wanted))])
        update.finish = lambda: setattr(cluster, "zonal_shift", on)
        return update


def refuse_second_update(cluster: Cluster) -> None:
    """Refuse a second update of a cluster while one is in progress."""
    in_progress = [update for update in cluster.updates.values() if update.status == "InProgress"]
    if in_progress:
        message = f"Cannot update cluster {cluster.name}: update {in_progress[0].identifier} is in progress"
        raise ResourceInUseError(message, clusterName=cluster.name)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).replace("'", '"')
