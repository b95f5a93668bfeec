"""Asks the cluster that this stack made what its outputs do not say; called before anything is registered.

A cluster that cannot be read from here, as in a preview without access, is not an error: it has no answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

from eks_cilium.dynamic.shell.cluster import read_only_world_of
from eks_cilium.errors import ProgramError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.settings.model import NewClusterBaseSettings

Found = TypeVar("Found")


def place_of(settings: NewClusterBaseSettings) -> dict[str, Any]:
    """Where the cluster is, as dynamic resources get it."""
    return {"cluster_name": settings.cluster.name, "region": settings.region, "profile": settings.profile}


def asked(place: Mapping[str, Any], question: Callable[[KubernetesApi], Found | None]) -> Found | None:
    """What the cluster answers; None where it cannot be read. Raises UnexpectedAnswerError."""
    try:
        with read_only_world_of(place) as (world, _):
            return question(world.api)
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        pulumi.log.debug(f"{place['cluster_name']} could not be read: {error}")
        return None
