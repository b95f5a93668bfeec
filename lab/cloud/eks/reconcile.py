"""Advance clusters over time: start control planes, create and remove their parts, finish updates.

`Reconciler.step` does what is due and returns. It decides only by the records, the clock and the state of AWS
and Kubernetes, so that a failed step is simply repeated. `Workers` calls it from one thread per cluster.
"""

from __future__ import annotations

import base64
import threading
import traceback
from typing import TYPE_CHECKING

from lab.cloud.eks import versions
from lab.cloud.eks.access import entries
from lab.cloud.eks.addons import lifecycle as addon_life
from lab.cloud.eks.clusters import logs, security_group
from lab.cloud.eks.clusters.endpoint import nodes_reach
from lab.cloud.eks.kubernetes_api import KubernetesError, UnreachableError
from lab.cloud.eks.launcher import PlaneRequest
from lab.cloud.eks.nodegroups import lifecycle as nodegroup_life
from lab.cloud.eks.nodegroups.calls import profile_of
from lab.cloud.eks.records import updates
from lab.cloud.eks.records.model import issue
from lab.cloud.running_clusters import ClusterNetwork, RunningCluster

if TYPE_CHECKING:
    from lab.cloud.eks.records.model import Cluster
    from lab.cloud.eks.records.store import Store

_CONFLICT = 409
_PATIENCE = 10.0  # seconds for a running step to end before its cluster is stopped


class Reconciler:
    """What EKS does on its own, for one cluster at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = store.environment

    def step(self, cluster: Cluster) -> bool:
        """Do what is due; return False once the cluster is deleted."""
        if cluster.status == "CREATING":
            self._create(cluster)
        elif cluster.status == "DELETING":
            return not self._delete(cluster)
        elif cluster.status != "FAILED":
            self._maintain(cluster)
        return True

    def stop(self, cluster: Cluster) -> None:
        """Stop a cluster's control plane, when the cloud stops."""
        self._environment.running.remove(cluster.name)
        plane, cluster.plane = cluster.plane, None
        if plane is not None:
            plane.stop()

    def _create(self, cluster: Cluster) -> None:
        if cluster.plane is None and not self._launch(cluster):
            return
        api = self._store.kubernetes(cluster)
        if cluster.self_managed_addons:
            addon_life.install_self_managed(api, cluster)
        entries.bind(api, cluster, self._environment.now())
        if self._environment.now() >= cluster.due:
            cluster.status = "ACTIVE"

    def _launch(self, cluster: Cluster) -> bool:
        """Start the control plane without the lock: it takes seconds, and no other thread sets its fields."""
        request = PlaneRequest(
            cluster.name, cluster.version, cluster.network["serviceIpv4Cidr"], cluster.issuer
        )
        try:
            plane = self._environment.launcher.launch(request)
        except Exception as error:
            self._environment.faults.record(f"eks cluster {cluster.name}", str(error), traceback.format_exc())
            cluster.issues = [issue("InternalFailure", f"The control plane did not start: {error}")]
            cluster.status = "FAILED"
            return False
        cluster.endpoint = plane.endpoint
        cluster.certificate_authority = base64.b64encode(plane.certificate_authority).decode()
        cluster.admin_kubeconfig = plane.admin_kubeconfig
        cluster.plane = plane
        self._environment.running.add(
            RunningCluster(
                name=cluster.name,
                endpoint=plane.endpoint,
                certificate_authority=plane.certificate_authority,
                admin_kubeconfig=plane.admin_kubeconfig,
                version=cluster.version,
                find_nodegroup=lambda name: profile_of(cluster, name),
                nodes_reach=lambda: nodes_reach(self._environment.aws(cluster.region), cluster.vpc),
                region=cluster.region,
                network=ClusterNetwork(
                    vpc=str(cluster.vpc["vpcId"]),
                    subnets=tuple(cluster.vpc["subnetIds"]),
                    security_group=cluster.security_group,
                ),
            )
        )
        return True

    def _delete(self, cluster: Cluster) -> bool:
        if self._environment.now() < cluster.due:
            return False
        if self._store.find(cluster.name) is cluster:
            self.stop(cluster)
            security_group.delete(self._environment.aws(cluster.region), cluster.security_group)
            self._store.remove(cluster.name)
            cluster.due += self._environment.timing.last_logs
            return not self._has_last_lines(cluster)
        if self._has_last_lines(cluster):
            logs.deliver_last_lines(self._environment.aws(cluster.region), cluster.name)
        return True

    def _has_last_lines(self, cluster: Cluster) -> bool:
        return self._environment.timing.last_logs > 0 and any(cluster.logging.values())

    def _maintain(self, cluster: Cluster) -> None:
        with cluster.lock:
            if cluster.status == "UPDATING":
                updates.finish_due(cluster.updates, self._environment.now())
                if not updates.in_progress(cluster.updates):
                    cluster.status = "ACTIVE"
            if cluster.unbound:
                entries.bind(self._store.kubernetes(cluster), cluster, self._environment.now())
        for group in tuple(cluster.nodegroups.values()):
            with cluster.lock:
                nodegroup_life.step(self._store, cluster, group)
        for addon in tuple(cluster.addons.values()):
            with cluster.lock:
                addon_life.step(self._store, cluster, addon)


def change_version(cluster: Cluster, minor: str) -> None:
    """Record a cluster's new version.

    The API server continues to emulate the version that the cluster was created with: a running process
    cannot change that, and a new one would be an empty cluster at another address.
    """
    cluster.version = minor
    cluster.platform_version = versions.offered(minor).platform


class Workers:
    """One thread per cluster that steps it until it is deleted or the cloud stops."""

    def __init__(self, store: Store, interval: float) -> None:
        self._store = store
        self._reconciler = Reconciler(store)
        self._interval = interval
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._last_fault: dict[str, str] = {}

    def start_worker(self, cluster: Cluster) -> None:
        """Start the thread of a new cluster."""
        thread = threading.Thread(target=self._run, args=(cluster,), name=f"eks {cluster.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Wait for the step in progress of every thread, then stop all control planes."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_PATIENCE)
        stops = [
            threading.Thread(target=self._reconciler.stop, args=(cluster,)) for cluster in self._store.all()
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()

    def _run(self, cluster: Cluster) -> None:
        while not self._stopping.is_set() and self._step(cluster):
            self._stopping.wait(self._interval)

    def _step(self, cluster: Cluster) -> bool:
        try:
            return self._reconciler.step(cluster)
        except UnreachableError:
            return True  # a busy API server; the next step tries again
        except KubernetesError as error:
            # On a conflict the next step reads the object again and repeats the write.
            if error.status != _CONFLICT:
                self._record(cluster, error)
        except Exception as error:
            self._record(cluster, error)
        return True

    def _record(self, cluster: Cluster, error: Exception) -> None:
        if self._last_fault.get(cluster.name) == str(error):
            return  # the same step failed in the same way again
        self._last_fault[cluster.name] = str(error)
        self._store.environment.faults.record(
            f"eks cluster {cluster.name}", str(error), traceback.format_exc()
        )
