"""Calls about access entries and their access policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions

from lab.cloud.eks.access import entries
from lab.cloud.eks.errors import (
    InvalidParameterError,
    InvalidRequestError,
    NotEmulatedError,
    ResourceInUseError,
    ResourceNotFoundError,
)

if TYPE_CHECKING:
    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import AccessEntry, Cluster
    from lab.cloud.eks.records.store import Store

_KINDS = frozenset({"STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX"})
_RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


class AccessCalls:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = store.environment

    def create_access_entry(self, call: Call) -> Answer:
        cluster = self._cluster(call)
        principal = call["principalArn"]
        self._check_principal(cluster, principal)
        kind = call.get("type", "STANDARD")
        _check_naming(kind, call)
        with cluster.lock:
            if principal in cluster.entries:
                message = "The specified access entry resource is already in use on this cluster."
                raise ResourceInUseError(message)
            entry = entries.new_entry(
                self._environment,
                cluster,
                principal,
                kind=kind,
                username=call.get("username"),
                groups=call.get("kubernetesGroups"),
                tags=call.get("tags"),
            )
            entry.known_from = self._environment.now() + self._environment.timing.access_entry
            cluster.entries[principal] = entry
        return {"accessEntry": entry.describe()}

    def describe_access_entry(self, call: Call) -> Answer:
        return {"accessEntry": _entry(self._cluster(call), call).describe()}

    def list_access_entries(self, call: Call) -> Answer:
        """Return the principals that have an entry, optionally only those with a certain policy."""
        policy = call.get("associatedPolicyArn")
        entries = self._cluster(call).entries.values()
        return {"accessEntries": [e.principal for e in entries if policy is None or policy in e.policies]}

    def update_access_entry(self, call: Call) -> Answer:
        cluster = self._cluster(call)
        entry = _entry(cluster, call)
        _check_naming(entry.kind, call)
        with cluster.lock:
            entry.groups = list(call.get("kubernetesGroups", entry.groups))
            entry.username = call.get("username", entry.username)
            entry.modified_at = self._environment.now()
        return {"accessEntry": entry.describe()}

    def delete_access_entry(self, call: Call) -> Answer:
        cluster = self._cluster(call)
        entry = _entry(cluster, call)
        with cluster.lock:
            del cluster.entries[entry.principal]
            entries.unbind(self._store.kubernetes(cluster), entry)
        return {}

    def associate_access_policy(self, call: Call) -> Answer:
        """Associate a policy with an entry, for the whole cluster or for namespaces."""
        cluster = self._cluster(call)
        entry = _entry(cluster, call)
        policy, scope = call["policyArn"], call["accessScope"]
        _check_policy(entry, policy, scope)
        with cluster.lock:
            association = entries.associate(self._environment, cluster, entry, policy, scope)
            entry.allowed_from = self._environment.now() + self._environment.timing.access_entry
            self._bind(cluster)
        return {
            "clusterName": cluster.name,
            "principalArn": entry.principal,
            "associatedAccessPolicy": association,
        }

    def disassociate_access_policy(self, call: Call) -> Answer:
        cluster = self._cluster(call)
        entry = _entry(cluster, call)
        with cluster.lock:
            if entry.policies.pop(call["policyArn"], None) is None:
                message = f"The policy {call['policyArn']} is not associated with the access entry"
                raise ResourceNotFoundError(message)
            cluster.unbound.add(entry.principal)
            self._bind(cluster)
        return {}

    def list_associated_access_policies(self, call: Call) -> Answer:
        cluster = self._cluster(call)
        entry = _entry(cluster, call)
        return {
            "clusterName": cluster.name,
            "principalArn": entry.principal,
            "associatedAccessPolicies": list(entry.policies.values()),
        }

    def list_access_policies(self, call: Call) -> Answer:  # noqa: ARG002 - every operation takes its call
        policies = [{"name": arn.rpartition("/")[2], "arn": arn} for arn in entries.POLICY_ROLES]
        return {"accessPolicies": policies}

    def _bind(self, cluster: Cluster) -> None:
        entries.bind(self._store.kubernetes(cluster), cluster, self._environment.now())

    def _cluster(self, call: Call) -> Cluster:
        cluster = self._store.active(call)
        if cluster.authentication_mode == "CONFIG_MAP":
            message = (
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] "
                "to perform this operation."
            )
            raise InvalidRequestError(message)
        return cluster

    def _check_principal(self, cluster: Cluster, arn: str) -> None:
        iam = self._environment.aws(cluster.region).iam
        kind, _, path = arn.rpartition(":")[2].partition("/")
        name = path.rpartition("/")[2]
        try:
            found = (
                iam.get_role(RoleName=name)["Role"]["Arn"]
                if kind == "role"
                else iam.get_user(UserName=name)["User"]["Arn"]
            )
        except botocore.exceptions.ClientError:
            found = None
        if found != arn:
            message = "The specified principalArn is invalid: invalid principal."
            raise InvalidParameterError(message)


def _entry(cluster: Cluster, call: Call) -> AccessEntry:
    principal = call["principalArn"]
    if principal not in cluster.entries:
        message = "The specified principalArn could not be found. You can view your available access entries."
        raise ResourceNotFoundError(message, clusterName=cluster.name)
    return cluster.entries[principal]


def _check_naming(kind: str, call: Call) -> None:
    if kind not in _KINDS:
        message = f"the lab does not emulate access entries of type {kind}"
        raise NotEmulatedError(message)
    if kind != "STANDARD" and (call.get("kubernetesGroups") or call.get("username")):
        message = f"username and kubernetesGroups cannot be set for access entries of type {kind}"
        raise InvalidParameterError(message)
    for group in call.get("kubernetesGroups") or []:
        if group.startswith(_RESERVED):
            prefix = group.partition(":")[0]
            message = f"The kubernetes group name {group} is invalid, it cannot start with {prefix}:"
            raise InvalidParameterError(message)
    if kind == "STANDARD" and (call.get("username") or "").startswith(_RESERVED):
        message = f"The username {call['username']} is invalid, it cannot start with a reserved prefix"
        raise InvalidParameterError(message)


def _check_policy(entry: AccessEntry, policy: str, scope: dict[str, object]) -> None:
    if policy not in entries.POLICY_ROLES:
        message = f"The specified policyArn is invalid: {policy}"
        raise InvalidParameterError(message)
    if entry.kind != "STANDARD":
        message = f"Access policies cannot be associated with access entries of type {entry.kind}"
        raise InvalidRequestError(message)
    namespaces = scope.get("namespaces")
    if (scope.get("type") == "namespace") != bool(namespaces):
        message = "namespaces must be given for accessScope type namespace, and for no other"
        raise InvalidParameterError(message)
    if isinstance(namespaces, list) and any("*" in namespace for namespace in namespaces):
        message = "the lab does not emulate wildcards in the namespaces of an accessScope"
        raise NotEmulatedError(message)
