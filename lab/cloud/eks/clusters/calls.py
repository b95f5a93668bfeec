"""Calls about clusters: create, describe, list, delete, and the versions that are offered."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from lab.cloud import kubernetes_versions
from lab.cloud.eks import prerequisites, versions
from lab.cloud.eks.access import entries
from lab.cloud.eks.clusters import encryption, security_group
from lab.cloud.eks.errors import (
    InvalidParameterError,
    InvalidRequestError,
    NotEmulatedError,
    ResourceInUseError,
)
from lab.cloud.eks.records.model import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.store import Store

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")
# Parts of EKS that change a cluster and that the lab does not emulate.
_UNSUPPORTED = (
    "outpostConfig",
    "remoteNetworkConfig",
    "controlPlaneScalingConfig",
    "kubeApiServerConfig",
    "kubeSchedulerConfig",
    "kubeControllerManagerConfig",
)


class ClusterCalls:
    """The operations on clusters. `start_worker` starts the thread that advances a new cluster."""

    def __init__(self, store: Store, start_worker: Callable[[Cluster], None]) -> None:
        self._store = store
        self._environment = store.environment
        self._start_worker = start_worker

    def create_cluster(self, call: Call) -> Answer:
        """Accept a new cluster, which is CREATING until its API server answers."""
        refuse_unsupported(call)
        if not _NAME.fullmatch(call["name"]):
            message = f"The cluster name {call['name']!r} must match {_NAME.pattern}"
            raise InvalidParameterError(message)
        if self._store.find(call["name"]):
            message = f"Cluster already exists with name: {call['name']}"
            raise ResourceInUseError(message, clusterName=call["name"])
        cluster = self._new_cluster(call)
        self._store.add(cluster)
        entries.add_creator(self._environment, cluster)
        self._start_worker(cluster)
        return {"cluster": cluster.describe()}

    def describe_cluster(self, call: Call) -> Answer:
        return {"cluster": self._store.cluster(call).describe()}

    def list_clusters(self, call: Call) -> Answer:
        return {"clusters": [cluster.name for cluster in self._store.all(call.region)]}

    def list_fargate_profiles(self, call: Call) -> Answer:
        """Return no profile: the lab accepts no Fargate profile."""
        self._store.cluster(call)
        return {"fargateProfileNames": []}

    def delete_cluster(self, call: Call) -> Answer:
        """Accept the deletion of a cluster that is no longer in use."""
        cluster = self._store.cluster(call)
        with cluster.lock:
            _check_deletable(cluster)
            cluster.status = "DELETING"
            cluster.due = self._environment.now() + self._environment.timing.control_plane_delete
            return {"cluster": cluster.describe()}

    def describe_cluster_versions(self, call: Call) -> Answer:
        wanted = call.get("clusterVersions")
        now = self._environment.now()
        found = [version.describe(now) for version in kubernetes_versions.OFFERED.values()]
        return {
            "clusterVersions": [
                version
                for version in reversed(found)
                if (not wanted or version["clusterVersion"] in wanted)
                and (not call.get("defaultOnly") or version["defaultVersion"])
            ]
        }

    def _new_cluster(self, call: Call) -> Cluster:
        environment = self._environment
        version = versions.supported(call.get("version", kubernetes_versions.DEFAULT), environment.now())
        access_config = call.get("accessConfig", {})
        aws = environment.aws(call.region)
        encrypted = encryption.checked(aws, call.region, call.get("encryptionConfig", []))
        vpc = self._vpc(call)
        now = environment.now()
        return Cluster(
            name=call["name"],
            region=call.region,
            arn=f"arn:aws:eks:{call.region}:{environment.account}:cluster/{call['name']}",
            created_at=now,
            version=version.minor,
            platform_version=version.platform,
            role=call["roleArn"],
            creator=call.identity.principal,
            vpc=vpc,
            network=self._network(call, vpc["vpcId"]),
            logging=logging_of(call.get("logging"), dict.fromkeys(LOG_TYPES, False)),
            authentication_mode=access_config.get("authenticationMode", "CONFIG_MAP"),
            creator_is_admin=access_config.get("bootstrapClusterCreatorAdminPermissions", True),
            self_managed_addons=call.get("bootstrapSelfManagedAddons", True),
            upgrade_policy=call.get("upgradePolicy", {}).get("supportType", "EXTENDED"),
            deletion_protection=call.get("deletionProtection", False),
            encryption=encrypted,
            zonal_shift=call.get("zonalShiftConfig", {}).get("enabled", False),
            tags=dict(call.get("tags", {})),
            issuer=f"https://oidc.eks.{call.region}.amazonaws.com/id/{secrets.token_hex(16).upper()}",
            due=now + environment.timing.control_plane_create,
        )

    def _vpc(self, call: Call) -> dict[str, Any]:
        """Check the cluster's network and create its security group: the last step that can fail."""
        wanted = call["resourcesVpcConfig"]
        aws = self._environment.aws(call.region)
        prerequisites.check_role(aws, call["roleArn"], "eks.amazonaws.com")
        subnets = prerequisites.find_subnets(aws, wanted.get("subnetIds", []))
        if len(subnets.zones) < 2:
            message = "Subnets specified must be in at least two different AZs"
            raise InvalidParameterError(message)
        prerequisites.check_zones(call["name"], subnets)
        prerequisites.check_security_groups(aws, wanted.get("securityGroupIds", []), subnets.vpc)
        public = wanted.get("endpointPublicAccess", True)
        private = wanted.get("endpointPrivateAccess", False)
        check_endpoint_access(public=public, private=private)
        return {
            "subnetIds": wanted["subnetIds"],
            "securityGroupIds": wanted.get("securityGroupIds", []),
            "clusterSecurityGroupId": security_group.create(aws, call["name"], subnets.vpc),
            "vpcId": subnets.vpc,
            "endpointPublicAccess": public,
            "endpointPrivateAccess": private,
            "publicAccessCidrs": wanted.get("publicAccessCidrs", ["0.0.0.0/0"] if public else []),
        }

    def _network(self, call: Call, vpc: str) -> dict[str, Any]:
        wanted = call.get("kubernetesNetworkConfig", {})
        if wanted.get("ipFamily", "ipv4") != "ipv4":
            message = "the lab does not emulate IPv6 clusters (kubernetesNetworkConfig.ipFamily)"
            raise NotEmulatedError(message)
        cidrs = prerequisites.vpc_cidrs(self._environment.aws(call.region), vpc)
        in_ten = any(cidr.startswith("10.") for cidr in cidrs)
        return {
            "serviceIpv4Cidr": wanted.get("serviceIpv4Cidr", "172.20.0.0/16" if in_ten else "10.100.0.0/16"),
            "ipFamily": "ipv4",
            "elasticLoadBalancing": {"enabled": False},
        }


def refuse_unsupported(call: Call) -> None:
    """Refuse the parts of EKS that the lab does not emulate, instead of ignoring them."""
    unsupported = [name for name in _UNSUPPORTED if call.get(name)]
    if call.get("computeConfig", {}).get("enabled"):
        unsupported.append("computeConfig (Auto Mode)")
    if call.get("storageConfig", {}).get("blockStorage", {}).get("enabled"):
        unsupported.append("storageConfig (Auto Mode)")
    if call.get("kubernetesNetworkConfig", {}).get("elasticLoadBalancing", {}).get("enabled"):
        unsupported.append("kubernetesNetworkConfig.elasticLoadBalancing (Auto Mode)")
    if unsupported:
        message = f"the lab does not emulate {', '.join(unsupported)} of EKS"
        raise NotEmulatedError(message)


def check_endpoint_access(*, public: bool, private: bool) -> None:
    """Refuse a cluster without any endpoint access."""
    if not public and not private:
        message = "Private and public endpoint access cannot be false"
        raise InvalidParameterError(message)


def logging_of(wanted: dict[str, Any] | None, current: dict[str, bool]) -> dict[str, bool]:
    """Return which logs are enabled after a request that may name only some of them."""
    result = dict(current)
    for group in (wanted or {}).get("clusterLogging", []):
        for kind in group.get("types", []):
            result[kind] = group.get("enabled", False)
    return result


def _check_deletable(cluster: Cluster) -> None:
    if cluster.deletion_protection:
        message = f"Cluster {cluster.name} has deletion protection enabled; disable it before deleting it"
        raise InvalidRequestError(message, clusterName=cluster.name)
    if cluster.nodegroups:
        message = "Cluster has nodegroups attached"
        name = next(iter(cluster.nodegroups))
        raise ResourceInUseError(message, clusterName=cluster.name, nodegroupName=name)
    if cluster.status in {"CREATING", "UPDATING"}:
        message = f"Cannot delete cluster {cluster.name}: it is {cluster.status}"
        raise ResourceInUseError(message, clusterName=cluster.name)
