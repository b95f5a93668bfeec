"""Data that is on the node and not in the pod's claims alone: emptyDir volumes, local volumes, host paths."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from eks_cilium.migration.facts.pods import SAFE_TO_EVICT, SAFE_VOLUMES
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.verdicts import Ruling

if TYPE_CHECKING:
    from eks_cilium.migration.plan.verdicts import Case

_SCRATCH = (
    # The socket between a CSI driver's controller and its sidecars (kubernetes-csi.github.io/docs/deploying,
    # "Communication with Sidecars"), by its name in the charts of the EBS, EFS and FSx drivers
    # (templates/controller.yaml and controller-deployment.yaml in kubernetes-sigs/aws-*-csi-driver).
    "socket-dir",
    # Sockets, certificates and state of Istio's injected proxy; its `istio-envoy` is in memory
    # (manifests/charts/istio-control/istio-discovery/files/injection-template.yaml in istio/istio).
    *("istio-data", "workload-socket", "credential-socket", "workload-certs"),
    # The lock of Linkerd's init container; its proxy's key is in memory (charts/patch/templates/patch.json in
    # linkerd/linkerd2).
    "linkerd-proxy-init-xtables-lock",
    # kuma-init-tmp, kuma-sidecar-tmp (pkg/plugins/runtime/k8s/webhooks/injector/injector.go in kumahq/kuma).
    "kuma-*-tmp",
    # Agents of languages, which an injected init container copies there (DataDog/datadog-agent,
    # pkg/clusteragent/admission/mutate/autoinstrumentation; open-telemetry/opentelemetry-operator,
    # internal/instrumentation).
    *("datadog-auto-instrumentation*", "opentelemetry-auto-instrumentation*"),
)
"""Names of volumes that hold nothing a new pod does not make again, as patterns, whatever pod has them."""

_SCRATCH_OF_ADD_ONS = {
    # charts/metrics-server/templates/deployment.yaml and manifests/base/deployment.yaml in
    # kubernetes-sigs/metrics-server.
    "metrics-server": ("tmp", "tmp-dir"),
    # install/kubernetes/cilium/templates in cilium/cilium; relay's from 1.20 on. An init container fills the
    # etcd of the mesh anew at each start.
    "hubble-ui": ("tmp-dir",),
    "hubble-relay": ("tmp-volume",),
    "clustermesh-apiserver": ("etcd-data-dir",),
}
"""Names of volumes that are scratch in the add-on they belong to, by a part of its workload's name."""


def local_storage(case: Case) -> Ruling | None:
    names = _volumes_with_data(case)
    if not names:
        return None
    permitted = covers(case.context.allow.local_storage, case.pod.reference, case.workload)
    case.find(Code.DATA_LOST if permitted else Code.LOCAL_STORAGE, case.workload, *names)
    return (
        None if permitted else Ruling(Verdict.REFUSE, f"would lose the data in emptyDir {', '.join(names)}")
    )


def local_volume(case: Case) -> Ruling | None:
    local = [volume.name for volume in case.context.backing.volumes_of(case.pod) if volume and volume.local]
    if not local:
        return None
    case.find(Code.LOCAL_VOLUME, case.workload, *local)
    return Ruling(Verdict.REFUSE, f"its volume {local[0]} is on the disk of this node")


def host_paths(case: Case, _ruling: Ruling) -> None:
    """Data in a directory of the node: a successor on another node finds none there."""
    if case.pod.host_paths and not case.context.backing.is_of_daemon_set(case.pod):
        case.find(Code.DATA_STAYS, case.workload, *case.pod.host_paths)


def _volumes_with_data(case: Case) -> tuple[str, ...]:
    """The emptyDir volumes of a pod, without those known to be scratch.

    The pod itself may say so to the Cluster Autoscaler: that it is safe to evict, or which of its volumes are
    no reason against it, separated by commas (`HasBlockingLocalStorage` and `HasSafeToEvictAnnotation` in its
    utils/drain). The configuration may name volumes for the whole cluster.
    """
    pod = case.pod
    if not pod.local_volumes or pod.annotations.get(SAFE_TO_EVICT) == "true":
        return ()
    safe = {name.strip() for name in pod.annotations.get(SAFE_VOLUMES, "").split(",")}
    for add_on, names in _SCRATCH_OF_ADD_ONS.items():
        if add_on in case.workload.name:
            safe.update(names)
    patterns = (*_SCRATCH, *case.context.allow.scratch_volumes)
    return tuple(
        name
        for name in pod.local_volumes
        if name not in safe and not any(fnmatchcase(name, pattern) for pattern in patterns)
    )
