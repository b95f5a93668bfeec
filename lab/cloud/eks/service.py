"""EKS as a whole: its records, calls and threads, and the webhook of its clusters' API servers.

`lab.cloud.server` creates it and passes it every request for EKS.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from lab.cloud.eks import reconcile
from lab.cloud.eks.access import entries
from lab.cloud.eks.access.calls import AccessCalls
from lab.cloud.eks.access.pod_identity import PodIdentityCalls
from lab.cloud.eks.addons.calls import AddonCalls
from lab.cloud.eks.clusters.calls import ClusterCalls
from lab.cloud.eks.clusters.update_calls import ClusterUpdates
from lab.cloud.eks.nodegroups.calls import NodegroupCalls
from lab.cloud.eks.protocol import EksProtocol
from lab.cloud.eks.records.store import Store
from lab.cloud.eks.tag_calls import TagCalls
from lab.cloud.identity.tokens import TokenReviewer
from lab.cloud.requests.middleware import IDENTITY, REGION, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.cloud.eks.environment import Environment
    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.identity.identities import Identities, Identity
    from lab.cloud.identity.tokens import KubernetesUser


class Eks:
    """The EKS of one account, all regions."""

    def __init__(self, environment: Environment, identities: Identities) -> None:
        self.store = Store(environment)
        self.workers = reconcile.Workers(self.store, environment.timing.node_group_poll)
        self.protocol = EksProtocol(handlers(self.store, self.workers.start_worker))
        self.reviewer = TokenReviewer(
            identities.find, self._user, environment.timing.token_life, environment.now
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request, whose caller the middleware has authenticated."""
        request = read_request(environ)
        status, headers, body = self.protocol.answer(request, environ[IDENTITY], environ[REGION])
        start_response(f"{status} {headers.get('x-amzn-ErrorType', 'OK')}", list(headers.items()))
        return [body]

    def stop(self) -> None:
        self.workers.stop()

    def _user(self, name: str, identity: Identity) -> KubernetesUser | None:
        cluster = self.store.find(name)
        if cluster is None or cluster.admin_kubeconfig is None:
            return None
        return entries.map_user(
            cluster, identity, self.store.kubernetes(cluster), self.store.environment.now()
        )


def handlers(store: Store, start_worker: Callable[[Cluster], None]) -> dict[str, Callable[[Call], Answer]]:
    """Return every emulated operation by its name in snake case."""
    families = (
        ClusterCalls(store, start_worker),
        ClusterUpdates(store, reconcile.change_version),
        NodegroupCalls(store),
        AddonCalls(store),
        AccessCalls(store),
        PodIdentityCalls(store),
        TagCalls(store),
    )
    return {
        name: method
        for family in families
        for name, method in inspect.getmembers(family, inspect.ismethod)
        if not name.startswith("_")
    }
