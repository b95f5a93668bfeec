"""What happens to an add-on over time: installed, available or degraded, updated, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.eks.addons import installation
from lab.cloud.eks.addons.catalogue import SELF_MANAGED, kind_of
from lab.cloud.eks.kubernetes_api import KubernetesError
from lab.cloud.eks.records.model import issue

if TYPE_CHECKING:
    from lab.cloud.eks.kubernetes_api import KubernetesApi, Object
    from lab.cloud.eks.records.model import Addon, Cluster
    from lab.cloud.eks.records.store import Store

_TOO_FEW = "The add-on is unhealthy because it doesn't have the desired number of replicas."
_CONFLICT = (
    "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts:\n{}"
)


def install_self_managed(api: KubernetesApi, cluster: Cluster) -> None:
    """Install what EKS installs into a new cluster by default; EKS does not manage it afterwards."""
    for name in SELF_MANAGED:
        kind = kind_of(name)
        version = kind.version(cluster.version, None)
        installation.install(api, installation.objects(kind, cluster, version, {}), conflicts="OVERWRITE")


def step(store: Store, cluster: Cluster, addon: Addon) -> None:
    """Advance an add-on by what has happened in the cluster."""
    now = store.environment.now()
    if now < addon.due or addon.status in {"CREATE_FAILED", "UPDATE_FAILED"}:
        return
    api = store.kubernetes(cluster)
    if addon.status == "DELETING":
        if not addon.preserve:
            installation.remove(api, _objects(cluster, addon))
        del cluster.addons[addon.name]
        return
    if not addon.installed and not _install(api, cluster, addon):
        return
    _watch(api, addon, now, store.environment.timing.addon_ready_timeout)


def _objects(cluster: Cluster, addon: Addon) -> list[Object]:
    kind = kind_of(addon.name)
    return installation.objects(kind, cluster, addon.version, kind.configuration(addon.configuration))


def _install(api: KubernetesApi, cluster: Cluster, addon: Addon) -> bool:
    try:
        installation.install(api, _objects(cluster, addon), conflicts=addon.conflicts)
    except KubernetesError as error:
        if error.status not in {409, 422}:
            raise
        code = "ConfigurationConflict" if error.status == 409 else "AdmissionRequestDenied"
        message = _CONFLICT.format(error.message) if error.status == 409 else error.message
        addon.status = "CREATE_FAILED" if addon.status == "CREATING" else "UPDATE_FAILED"
        addon.issues = [issue(code, message)]
        _end_updates(addon, code, message)
        return False
    addon.installed = True
    return True


def _watch(api: KubernetesApi, addon: Addon, now: float, patience: float) -> None:
    if installation.is_available(api, kind_of(addon.name)):
        addon.status, addon.issues, addon.unhealthy_since = "ACTIVE", [], None
        _end_updates(addon)
        return
    since = addon.unhealthy_since = addon.unhealthy_since or now
    if now - since >= patience:
        addon.status = "DEGRADED"
        addon.issues = [issue("InsufficientNumberOfReplicas", _TOO_FEW)]
        _end_updates(addon, "InsufficientNumberOfReplicas", _TOO_FEW)


def _end_updates(addon: Addon, code: str | None = None, message: str = "") -> None:
    for update in addon.updates.values():
        if update.status == "InProgress":
            if code:
                update.fail(code, message)
            else:
                update.status = "Successful"
