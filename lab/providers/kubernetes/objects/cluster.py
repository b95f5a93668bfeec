"""What resources do with a cluster: get, create, apply and delete objects, and see whether they are ready."""

from collections.abc import Mapping
from typing import Any

from eks_cilium.clients.kubernetes import APPLY_PATCH, JSON_PATCH
from lab.providers.kubernetes.connection.api import ApiError, ApiServer, NotFoundError
from lab.providers.kubernetes.connection.discovery import Discovery, Kind
from lab.providers.kubernetes.objects import manifests
from lab.providers.kubernetes.objects.ownership import CREATOR, take_over_patch
from lab.providers.kubernetes.objects.readiness import Progress, progress_of
from lab.providers.values import Properties

RELEASE_NAME = "meta.helm.sh/release-name"
_WORKLOADS = {"daemonsets": "DaemonSet", "deployments": "Deployment", "statefulsets": "StatefulSet"}
STRICT = {"fieldValidation": "Strict"}
DRY = {"dryRun": "All"}
_ATTEMPTS = 8
CLUSTER_SCOPED = frozenset(
    {
        ("v1", "Namespace"),
        ("v1", "Node"),
        ("v1", "PersistentVolume"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("networking.k8s.io/v1", "IngressClass"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("storage.k8s.io/v1", "StorageClass"),
    }
)


class Cluster:
    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._discovery = Discovery(api)
        self.namespace = namespace

    def is_namespaced(self, manifest: Mapping[str, Any]) -> bool:
        """Whether objects of this kind are in a namespace; the API server is not asked about common kinds."""
        if (manifest["apiVersion"], manifest["kind"]) in CLUSTER_SCOPED:
            return False
        return self._kind(manifest).namespaced

    def get(self, manifest: Mapping[str, Any], namespace: str, name: str) -> Properties:
        """An object by name; `manifest` only says its kind."""
        return self._api.get(self._kind(manifest).path(namespace, name))

    def get_same(self, manifest: Mapping[str, Any]) -> Properties:
        """The live object with this manifest's kind, namespace and name."""
        return self._api.get(self._path(manifest))

    def create(self, manifest: Properties, *, dry: bool) -> Properties:
        """Create; an object that exists, or a field that the API server does not know, is an error."""
        kind = self._kind(manifest)
        body = manifest if kind.namespaced else manifests.in_namespace(manifest, "")
        return self._api.request(
            "POST",
            kind.collection(_namespace(manifest)),
            parameters={"fieldManager": CREATOR, **STRICT, **(DRY if dry else {})},
            body=body,
        )

    def apply(self, manifest: Properties, owner: str, *, force: bool, dry: bool) -> Properties:
        kind = self._kind(manifest)
        body = manifest if kind.namespaced else manifests.in_namespace(manifest, "")
        parameters = {"fieldManager": owner, "force": str(force).lower(), **STRICT, **(DRY if dry else {})}
        try:
            return self._api.request(
                "PATCH", self._path(manifest), parameters=parameters, body=body, content_type=APPLY_PATCH
            )
        except ApiError as error:
            if error.code == 409:
                advice = "; set the annotation pulumi.com/patchForce to take these fields over"
                raise ApiError(409, error.reason, f"{error}{advice}") from error
            raise

    def take_over_fields(self, live: Properties, owner: str) -> None:
        """Make `owner` the field manager of what `create` and kubectl wrote, as `ownership` says.

        The patch tests the object's version. It fails when a controller writes the status meanwhile, and is
        tried again with the new version.
        """
        for attempt in range(_ATTEMPTS):
            patch = take_over_patch(live, owner)
            if not patch:
                return
            try:
                self._api.request("PATCH", self._path(live), body=patch, content_type=JSON_PATCH)
            except ApiError as error:
                if error.code not in {409, 422} or attempt == _ATTEMPTS - 1:
                    raise
                live = self.get_same(live)
            else:
                return

    def delete(self, manifest: Mapping[str, Any], namespace: str, name: str, propagation: str) -> None:
        """Ask for deletion, which finalizers may delay."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        self._api.request("DELETE", self._kind(manifest).path(namespace, name), body=options)

    def progress(self, manifest: Mapping[str, Any]) -> Progress:
        try:
            live = self.get_same(manifest)
        except NotFoundError:
            return Progress(ready=False, text="deleted", failure="it was deleted while it was waited for")
        return progress_of(live, lambda: self._endpoints(live), lambda: self._binds_late(live))

    def unready_workload(self, namespace: str, release: str) -> str:
        """A workload of a Helm release that is not ready, and its progress; empty when all are."""
        for plural in ("daemonsets", "deployments", "statefulsets"):
            for item in self._api.get(f"/apis/apps/v1/namespaces/{namespace}/{plural}")["items"]:
                if (item["metadata"].get("annotations") or {}).get(RELEASE_NAME) != release:
                    continue
                live = {"apiVersion": "apps/v1", "kind": _WORKLOADS[plural], **item}
                progress = progress_of(live, lambda: 1, lambda: False)
                if not progress.ready:
                    return f"{live['kind']} {item['metadata']['name']}: {progress.text}"
        return ""

    def _kind(self, manifest: Mapping[str, Any]) -> Kind:
        return self._discovery.kind(manifest["apiVersion"], manifest["kind"])

    def _path(self, manifest: Mapping[str, Any]) -> str:
        return self._kind(manifest).path(_namespace(manifest), manifests.metadata_of(manifest)["name"])

    def _endpoints(self, service: Properties) -> int:
        """The number of ready addresses behind a service."""
        metadata = service["metadata"]
        slices = self._api.get(
            f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices",
            labelSelector=f"kubernetes.io/service-name={metadata['name']}",
        )
        endpoints = [endpoint for item in slices["items"] for endpoint in item.get("endpoints") or []]
        return sum(1 for endpoint in endpoints if (endpoint.get("conditions") or {}).get("ready", True))

    def _binds_late(self, claim: Properties) -> bool:
        name = claim["spec"].get("storageClassName")
        if not name:
            return False
        storage_class = self._api.get(f"/apis/storage.k8s.io/v1/storageclasses/{name}")
        return bool(storage_class.get("volumeBindingMode") == "WaitForFirstConsumer")


def _namespace(manifest: Mapping[str, Any]) -> str:
    return str(manifests.metadata_of(manifest).get("namespace") or "default")
