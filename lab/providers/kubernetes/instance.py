"""A configured `kubernetes` provider: its cluster, and its resource types."""

import os

from lab.providers.errors import NotOfferedError
from lab.providers.kubernetes.configuration import Configuration
from lab.providers.kubernetes.connection.api import ApiServer
from lab.providers.kubernetes.objects.api_object import ApiObject
from lab.providers.kubernetes.objects.cluster import Cluster
from lab.providers.kubernetes.releases.helm import Helm, Releases
from lab.providers.kubernetes.releases.release import TOKEN as RELEASE
from lab.providers.kubernetes.releases.release import Release
from lab.providers.resource import Resource
from lab.providers.values import Properties

# Modules of the SDK that are no API groups: what the official provider renders by itself.
RENDERERS = ("helm.sh/", "yaml/", "kustomize/")
# What the SDK appends to a kind's name to mean a patch of an object, or a list of objects.
PATCH, LIST = "Patch", "List"


class KubernetesInstance:
    """What the resources of a provider share: a connection, a default namespace, Helm."""

    def __init__(self, configuration: Configuration) -> None:
        access = configuration.access()
        self._configuration = configuration
        self._cluster = Cluster(ApiServer.of(access), configuration.namespace or access.namespace)
        environment = {**os.environ, "HELM_DRIVER": configuration.helm_driver}
        helm = Helm(environment)
        self._release = Release(configuration, helm, Releases(helm, access), self._cluster)

    def resource(self, token: str) -> Resource:
        if token == RELEASE:
            return self._release
        _, module, kind = token.split(":")
        if module.startswith(RENDERERS):
            raise NotOfferedError(f"{token} is not offered by the lab; use {RELEASE}")
        if kind.endswith(PATCH):
            raise NotOfferedError(
                f"{token} is not offered by the lab: it does not patch objects of other owners"
            )
        if kind.endswith(LIST):
            raise NotOfferedError(f"{token}: a list cannot be created; create its items")
        return ApiObject(token, self._configuration, self._cluster)

    def invoke(self, token: str, arguments: Properties) -> Properties:  # noqa: ARG002  # signature of `Instance`
        """Refused: rendering charts and YAML is left to the official provider."""
        raise NotOfferedError(f"{token} is not offered by the lab")
