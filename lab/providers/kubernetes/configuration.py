"""The inputs of a `kubernetes` provider: which there are, and which change means another cluster."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eks_cilium.clients.kubeconfig import Access, Kubeconfig
from lab.providers.errors import RefusedError
from lab.providers.kubernetes.connection.kubeconfig import KubeconfigError, access_of, parse, refusing
from lab.providers.resource import Change, Difference, Failure, changes_between
from lab.providers.values import Properties, Unknown, has_unknown

FLAGS = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
}
# Accepted because they change nothing that the lab shows: it logs no deprecation or hook warnings.
WITHOUT_EFFECT = frozenset({"suppressDeprecationWarnings", "suppressHelmHookWarnings"})
OTHERS = frozenset(
    {"kubeconfig", "context", "cluster", "namespace", "clusterIdentifier", "helmReleaseSettings"}
)
NOT_OFFERED = frozenset({"renderYamlToDirectory", "alwaysRender", "kubeClientSettings"})
HELM_SETTINGS = frozenset({"driver"})
SELECTS_CLUSTER = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True, repr=False)
class Configuration:
    """A provider's configuration; `kubeconfig` is `None` when neither inputs nor KUBECONFIG name one."""

    kubeconfig: Kubeconfig | None
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    helm_driver: str = "secret"
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    patch_force: bool = False
    upsert: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> "Configuration":
        """From provider inputs as `Configure` brings them: booleans and objects may be JSON texts."""

        def flag(name: str) -> bool:
            return _is_true(given.get(name, environment.get(FLAGS[name], False)))

        kubeconfig = given.get("kubeconfig") or environment.get("KUBECONFIG")
        return cls(
            kubeconfig=parse(_text(kubeconfig)) if kubeconfig else None,
            context=given.get("context"),
            cluster=given.get("cluster"),
            namespace=given.get("namespace"),
            helm_driver=_object(given.get("helmReleaseSettings")).get("driver", "secret"),
            delete_unreachable=flag("deleteUnreachable"),
            skip_update_unreachable=flag("skipUpdateUnreachable"),
            patch_force=flag("enablePatchForce"),
            upsert=flag("upsertExistingObjects"),
            mutable_config_maps=flag("enableConfigMapMutable"),
            mutable_secrets=flag("enableSecretMutable"),
        )

    def access(self) -> Access:
        """How to reach the cluster that the configuration selects."""
        if self.kubeconfig is None:
            raise RefusedError("there is no kubeconfig: set the provider's kubeconfig or KUBECONFIG")
        return access_of(self.kubeconfig, self.context, self.cluster)


def check(given: Properties) -> list[Failure]:
    known = {*FLAGS, *WITHOUT_EFFECT, *OTHERS, "version", "pluginDownloadURL"}
    failures = [Failure(key, _unknown_key(key)) for key in given if key not in known]
    if "enableServerSideApply" in given and not _is_true(given["enableServerSideApply"]):
        failures.append(Failure("enableServerSideApply", "the lab only has server-side apply"))
    settings = given.get("helmReleaseSettings")
    if settings is not None and not has_unknown(settings):
        extra = sorted(set(_object(settings)) - HELM_SETTINGS)
        failures += [Failure(f"helmReleaseSettings.{key}", _unknown_key(key)) for key in extra]
    return failures


def difference(olds: Properties, news: Properties) -> Difference:
    """Changes of the inputs. Another cluster needs another provider, and so new resources.

    `clusterIdentifier` decides alone when it is set; else the cluster entry that the kubeconfig selects does,
    and a kubeconfig not known yet counts as another cluster.
    """
    replacing = _replacing(olds, news)
    return Difference(
        [
            Change(change.path, change.kind, replaces=change.top_level in replacing)
            for change in changes_between(olds, news)
        ]
    )


def _replacing(olds: Properties, news: Properties) -> frozenset[str]:
    old, new = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
    if old is not None and new is not None:
        return frozenset() if old == new else frozenset({"clusterIdentifier"})
    unknown = frozenset(key for key in SELECTS_CLUSTER if isinstance(news.get(key), Unknown))
    if unknown:
        return unknown
    before, after = _active_cluster(olds), _active_cluster(news)
    return frozenset(SELECTS_CLUSTER) if before and after and before != after else frozenset()


def _active_cluster(given: Properties) -> Mapping[str, Any] | None:
    try:
        with refusing():
            return parse(_text(given["kubeconfig"])).entry(given.get("context"), given.get("cluster"))
    except (KeyError, KubeconfigError):
        return None


def _unknown_key(key: str) -> str:
    return (
        "not offered by the lab"
        if key in NOT_OFFERED
        else "no such provider argument, or not offered by the lab"
    )


def _is_true(value: Any) -> bool:
    return value is True or value == "true"


def _text(kubeconfig: Any) -> str:
    return kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)


def _object(value: Any) -> Mapping[str, Any]:
    parsed = json.loads(value) if isinstance(value, str) else value or {}
    if not isinstance(parsed, dict):
        raise RefusedError("helmReleaseSettings has to be an object")
    return parsed
