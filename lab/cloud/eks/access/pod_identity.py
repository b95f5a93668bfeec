"""Calls about pod identity associations: the IAM role of a service account's pods.

They are only stored: no agent provides credentials here, because no process runs inside a pod of the lab.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from lab.cloud.eks import prerequisites
from lab.cloud.eks.errors import ResourceInUseError, ResourceNotFoundError
from lab.cloud.eks.records.model import PodIdentityAssociation

if TYPE_CHECKING:
    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.eks.records.store import Store

PRINCIPAL = "pods.eks.amazonaws.com"


class PodIdentityCalls:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = store.environment

    def create_pod_identity_association(self, call: Call) -> Answer:
        cluster = self._store.active(call)
        prerequisites.check_role(self._environment.aws(cluster.region), call["roleArn"], PRINCIPAL)
        with cluster.lock:
            for other in cluster.associations.values():
                if (other.namespace, other.service_account) == (call["namespace"], call["serviceAccount"]):
                    message = f"Association already exists: {other.identifier}"
                    raise ResourceInUseError(message)
            association = self._new(cluster, call)
            cluster.associations[association.identifier] = association
        return {"association": association.describe()}

    def describe_pod_identity_association(self, call: Call) -> Answer:
        return {"association": _association(self._store.cluster(call), call).describe()}

    def list_pod_identity_associations(self, call: Call) -> Answer:
        """Return the associations of a cluster, optionally of one namespace or service account."""
        found = self._store.cluster(call).associations.values()
        return {
            "associations": [
                association.summary()
                for association in found
                if call.get("namespace") in {None, association.namespace}
                and call.get("serviceAccount") in {None, association.service_account}
            ]
        }

    def update_pod_identity_association(self, call: Call) -> Answer:
        cluster = self._store.active(call)
        association = _association(cluster, call)
        role = call.get("roleArn", association.role)
        prerequisites.check_role(self._environment.aws(cluster.region), role, PRINCIPAL)
        with cluster.lock:
            association.role = role
            association.target_role = call.get("targetRoleArn", association.target_role)
            association.disable_session_tags = call.get(
                "disableSessionTags", association.disable_session_tags
            )
            association.modified_at = self._environment.now()
        return {"association": association.describe()}

    def delete_pod_identity_association(self, call: Call) -> Answer:
        cluster = self._store.active(call)
        with cluster.lock:
            association = _association(cluster, call)
            del cluster.associations[association.identifier]
        return {"association": association.describe()}

    def _new(self, cluster: Cluster, call: Call) -> PodIdentityAssociation:
        identifier = f"a-{secrets.token_hex(9)[:17]}"
        now = self._environment.now()
        base = f"arn:aws:eks:{cluster.region}:{self._environment.account}"
        return PodIdentityAssociation(
            identifier=identifier,
            cluster=cluster.name,
            arn=f"{base}:podidentityassociation/{cluster.name}/{identifier}",
            namespace=call["namespace"],
            service_account=call["serviceAccount"],
            role=call["roleArn"],
            created_at=now,
            modified_at=now,
            tags=dict(call.get("tags", {})),
            disable_session_tags=call.get("disableSessionTags", False),
            target_role=call.get("targetRoleArn"),
        )


def _association(cluster: Cluster, call: Call) -> PodIdentityAssociation:
    identifier = call["associationId"]
    if identifier not in cluster.associations:
        message = f"No Association found for: {identifier} in cluster {cluster.name}"
        raise ResourceNotFoundError(message)
    return cluster.associations[identifier]
