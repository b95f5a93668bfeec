"""Which kinds an API server has, and the paths of their objects.

Answers are cached. A kind that is not in the cache is asked for again: a CRD may have been created meanwhile.
"""

import threading
from dataclasses import dataclass

from lab.providers.kubernetes.connection.api import ApiServer, NotFoundError


@dataclass(frozen=True)
class Kind:
    """A kind as the API server serves it."""

    api_version: str
    name: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str = "") -> str:
        """The path that objects of this kind are posted to."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        return f"{self.collection(namespace)}/{name}"


class UnknownKindError(NotFoundError):
    """The API server does not have this kind, or not yet."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(404, "NotFound", f"the API server has no kind {kind!r} in {api_version!r}")


class Discovery:
    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], Kind] = {}

    def kind(self, api_version: str, kind: str) -> Kind:
        """A kind by its two names; `UnknownKindError` when the API server does not have it now."""
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._learn(api_version)
            try:
                return self._kinds[api_version, kind]
            except KeyError:
                raise UnknownKindError(api_version, kind) from None

    def _learn(self, api_version: str) -> None:
        root = "/apis" if "/" in api_version else "/api"
        try:
            answer = self._api.get(f"{root}/{api_version}")
        except NotFoundError:
            return
        for item in answer["resources"]:
            if "/" not in item["name"]:
                kind = Kind(api_version, item["kind"], item["name"], item["namespaced"])
                self._kinds[api_version, item["kind"]] = kind


def api_version_of(token: str) -> tuple[str, str]:
    """`kubernetes:apps/v1:Deployment` is kind `Deployment` of `apps/v1`; the group `core` has no name."""
    _, group_version, kind = token.split(":")
    group, _, version = group_version.rpartition("/")
    return (version if group in ("", "core") else group_version), kind
