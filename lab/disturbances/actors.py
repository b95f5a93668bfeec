"""The API of a lab cluster as an actor sees it: an operator, an autoscaler, a person.

Every disturbance uses it. An actor is an impersonated user with all rights, whom the audit log names.
"""

from dataclasses import replace
from pathlib import Path

from eks_cilium.clients.kubeconfig import Kubeconfig
from eks_cilium.clients.kubernetes import KubernetesApi
from lab.environment import Places

PREFIX = "lab:actor:"
"""Begins the user names of actors that are not accounts of a cluster."""


def act_as(kubeconfig: Path, actor: str) -> KubernetesApi:
    """Return the API of the kubeconfig's cluster for an actor, an administrator of this user name."""
    access = Kubeconfig.read(kubeconfig).access()
    user = {**access.user, "as": actor, "as-groups": ["system:masters"]}
    return replace(access, user=user).connect()


def kubeconfig_of(places: Places, cluster: str) -> Path:
    """Return the kubeconfig of the lab's administrator in a running cluster."""
    return places.directory / "clusters" / cluster / "admin.kubeconfig"
