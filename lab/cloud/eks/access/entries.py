"""Access entries: the IAM principals that may use a cluster, their Kubernetes users, and their permissions.

On AWS, EKS's own authorizer enforces access policies. Here each entry gets its own group, and its policies
become bindings of that group to Kubernetes' roles, with the same permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from lab.cloud.eks.kubernetes_api import KubernetesError, UnreachableError
from lab.cloud.eks.records.descriptions import new_id
from lab.cloud.eks.records.model import AccessEntry
from lab.cloud.identity.tokens import KubernetesUser

if TYPE_CHECKING:
    from lab.cloud.eks.environment import Environment
    from lab.cloud.eks.kubernetes_api import KubernetesApi, Object
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.identity.identities import Identity

POLICY_PREFIX = "arn:aws:eks::aws:cluster-access-policy/"
CLUSTER_ADMIN = f"{POLICY_PREFIX}AmazonEKSClusterAdminPolicy"
# What AWS's policies allow, as roles that every Kubernetes cluster has.
POLICY_ROLES = {
    CLUSTER_ADMIN: "cluster-admin",
    f"{POLICY_PREFIX}AmazonEKSAdminPolicy": "admin",
    f"{POLICY_PREFIX}AmazonEKSEditPolicy": "edit",
    f"{POLICY_PREFIX}AmazonEKSViewPolicy": "view",
}
NODE_GROUPS = ("system:bootstrappers", "system:nodes")
ENTRY_LABEL = "eks.amazonaws.com/access-entry"
SESSION = "{{SessionName}}"


def new_entry(environment: Environment, cluster: Cluster, principal: str, **chosen: Any) -> AccessEntry:
    """Return an entry for a principal, with EKS's defaults for what is not given."""
    kind = chosen.get("kind") or "STANDARD"
    family, _, name = principal.split(":")[5].partition("/")
    account = environment.account
    arn = f"arn:aws:eks:{cluster.region}:{account}:access-entry/{cluster.name}/{family}/{account}"
    now = environment.now()
    return AccessEntry(
        principal=principal,
        cluster=cluster.name,
        arn=f"{arn}/{name}/{new_id()}",
        created_at=now,
        modified_at=now,
        kind=kind,
        username=chosen.get("username") or _default_username(kind, principal),
        groups=list(chosen.get("groups") or (NODE_GROUPS[1:] if kind == "EC2_LINUX" else ())),
        tags=dict(chosen.get("tags") or {}),
    )


def _default_username(kind: str, principal: str) -> str:
    if kind != "STANDARD":
        return "system:node:{{EC2PrivateDNSName}}"
    if ":role/" in principal:
        account, name = principal.split(":")[4], principal.rpartition("/")[2]
        return f"arn:aws:sts::{account}:assumed-role/{name}/{SESSION}"
    return principal


def add_creator(environment: Environment, cluster: Cluster) -> None:
    """Make the creator of the cluster its administrator, unless the call opted out."""
    if not cluster.creator_is_admin or cluster.authentication_mode == "CONFIG_MAP":
        return
    entry = new_entry(environment, cluster, cluster.creator)
    associate(environment, cluster, entry, CLUSTER_ADMIN, {"type": "cluster", "namespaces": []})
    cluster.entries[entry.principal] = entry


def add_node_role(environment: Environment, cluster: Cluster, role: str) -> None:
    """Give the nodes of a managed node group access, as EKS does itself."""
    if cluster.authentication_mode != "CONFIG_MAP" and role not in cluster.entries:
        cluster.entries[role] = new_entry(environment, cluster, role, kind="EC2_LINUX")


def remove_node_role(cluster: Cluster, role: str) -> None:
    """Remove the access of nodes with a role, once no managed node group uses it."""
    entry = cluster.entries.get(role)
    if entry and entry.kind == "EC2_LINUX" and all(g.node_role != role for g in cluster.nodegroups.values()):
        del cluster.entries[role]


def associate(
    environment: Environment, cluster: Cluster, entry: AccessEntry, policy: str, scope: dict[str, Any]
) -> dict[str, Any]:
    """Associate a policy with an entry; its bindings are created as soon as the API server accepts them."""
    now = environment.now()
    earlier = entry.policies.get(policy, {})
    entry.policies[policy] = {
        "policyArn": policy,
        "accessScope": {"type": scope["type"], "namespaces": scope.get("namespaces", [])},
        "associatedAt": earlier.get("associatedAt", now),
        "modifiedAt": now,
    }
    cluster.unbound.add(entry.principal)
    return entry.policies[policy]


def bind(api: KubernetesApi, cluster: Cluster, now: float) -> None:
    """Create the bindings of changed entries; what the API server does not accept yet is retried."""
    for principal in tuple(cluster.unbound):
        entry = cluster.entries.get(principal)
        if entry and now < entry.allowed_from:
            continue
        wanted = _bindings(entry) if entry else []
        try:
            for binding in wanted:
                api.apply(binding, force=True)
            if entry:
                _remove_others(api, entry, wanted)
        except UnreachableError:
            return
        except KubernetesError as error:
            if error.status != 404:  # the namespace of a binding does not exist yet
                raise
            continue
        cluster.unbound.discard(principal)


def unbind(api: KubernetesApi, entry: AccessEntry) -> None:
    """Delete all bindings of an entry."""
    _remove_others(api, entry, [])


def _bindings(entry: AccessEntry) -> list[Object]:
    found = []
    for policy, association in entry.policies.items():
        scope = association["accessScope"]
        namespaces = scope["namespaces"] if scope["type"] == "namespace" else [None]
        found += [_binding(entry, policy, namespace) for namespace in namespaces]
    return found


def _binding(entry: AccessEntry, policy: str, namespace: str | None) -> Object:
    metadata: Object = {
        "name": f"eks:{policy.rpartition('/')[2]}:{entry.identifier}",
        "labels": {ENTRY_LABEL: entry.identifier},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": POLICY_ROLES[policy],
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": _own_group(entry)},
        ],
    }


def _remove_others(api: KubernetesApi, entry: AccessEntry, wanted: list[Object]) -> None:
    keep = {(b["kind"], b["metadata"].get("namespace"), b["metadata"]["name"]) for b in wanted}
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for found in api.items(kind, labelSelector=f"{ENTRY_LABEL}={entry.identifier}"):
            metadata = found["metadata"]
            if (kind, metadata.get("namespace"), metadata["name"]) not in keep:
                api.delete(kind, metadata["name"], metadata.get("namespace"))


def _own_group(entry: AccessEntry) -> str:
    return f"eks-access-entry:{entry.identifier}"


def map_user(cluster: Cluster, identity: Identity, api: KubernetesApi, now: float) -> KubernetesUser | None:
    """Return the Kubernetes user of a caller: by access entry, then by aws-auth where the mode allows it."""
    entry = cluster.entries.get(identity.principal)
    if entry and now >= entry.known_from and cluster.authentication_mode != "CONFIG_MAP":
        name = entry.username.replace(SESSION, identity.session)
        return KubernetesUser(name, (*entry.groups, _own_group(entry)))
    if cluster.authentication_mode == "API":
        return None
    if identity.principal == cluster.creator and cluster.creator_is_admin:
        return KubernetesUser("kubernetes-admin", ("system:masters",))
    return _from_config_map(api.get("ConfigMap", "aws-auth", "kube-system"), identity)


def _from_config_map(config_map: Object | None, identity: Identity) -> KubernetesUser | None:
    data = (config_map or {}).get("data", {})
    for section, key in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
        for mapping in yaml.safe_load(data.get(section, "")) or []:
            if mapping.get(key) == identity.principal:
                name = str(mapping.get("username", identity.arn)).replace(SESSION, identity.session)
                return KubernetesUser(name, tuple(mapping.get("groups", ())))
    return None
