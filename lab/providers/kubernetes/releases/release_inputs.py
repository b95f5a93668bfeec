"""The inputs of a Helm release: their defaults, and Helm's flags for them. Pure functions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.providers.kubernetes.objects.differences import merge_changes
from lab.providers.resource import Change, Failure
from lab.providers.values import Properties

TIMEOUT = 300
FLAGS = (
    "allowNullValues",
    "atomic",
    "cleanupOnFail",
    "createNamespace",
    "dependencyUpdate",
    "devel",
    "disableCRDHooks",
    "disableOpenapiValidation",
    "disableWebhooks",
    "forceUpdate",
    "lint",
    "recreatePods",
    "renderSubchartNotes",
    "replace",
    "resetValues",
    "reuseValues",
    "skipAwait",
    "skipCrds",
    "takeOwnership",
    "verify",
    "waitForJobs",
)
TEXTS = ("chart", "description", "keyring", "name", "namespace", "postrender", "version")
OTHERS = ("maxHistory", "repositoryOpts", "timeout", "values")
REPOSITORY = ("repo", "caFile", "certFile", "keyFile", "username", "password")
# Sent by the SDK and dropped by the official provider: they are outputs, or say which schema it speaks.
IGNORED = ("compat", "manifest", "resourceNames")
NOT_OFFERED = {
    "lint": "the lab does not lint charts; run `helm lint`",
    "postrender": "the lab does not run post-renderers",
    "valueYamlFiles": "the lab takes values from `values` only",
}


def checked(inputs: Properties, default_namespace: str, version: str | None) -> Properties:
    """All inputs with their defaults, as the official provider keeps them; `version` is the chart's."""
    spelled: Properties = {flag: inputs.get(flag, False) for flag in FLAGS}
    spelled |= {text: inputs.get(text, "") for text in TEXTS}
    spelled |= {"values": inputs.get("values") or {}, "timeout": _timeout(inputs)}
    if "maxHistory" in inputs:
        spelled["maxHistory"] = inputs["maxHistory"]
    if "repositoryOpts" in inputs:
        spelled["repositoryOpts"] = _repository(inputs["repositoryOpts"])
    spelled["namespace"] = spelled["namespace"] or default_namespace
    return spelled if version is None else {**spelled, "version": version}


def failures(inputs: Properties) -> list[Failure]:
    known = {*FLAGS, *TEXTS, *OTHERS, *IGNORED}
    found = [Failure(key, NOT_OFFERED[key]) for key in NOT_OFFERED if inputs.get(key)]
    found += [
        Failure(key, "helm.sh/v3:Release has no such input")
        for key in inputs
        if key not in known and key not in NOT_OFFERED
    ]
    if not inputs.get("chart"):
        found.append(Failure("chart", "a chart is required: a name, a path or a URL"))
    return found + _repository_failures(inputs.get("repositoryOpts"))


def changes(old_inputs: Properties, state: Properties, news: Properties) -> list[Change]:
    """Differences from the old inputs, or from the live release when Helm was used outside of Pulumi."""
    return [
        replace(change, replaces=change.path in ("name", "namespace"))
        for change in merge_changes(old_inputs, state, news)
    ]


def chart_arguments(inputs: Mapping[str, Any]) -> list[str]:
    repository = inputs.get("repositoryOpts") or {}
    name, location = str(inputs["chart"]).strip(), str(repository.get("repo") or "")
    options = {
        "--version": inputs.get("version"),
        "--ca-file": repository.get("caFile"),
        "--cert-file": repository.get("certFile"),
        "--key-file": repository.get("keyFile"),
        "--keyring": inputs.get("keyring"),
    }
    if "://" in location and not name.startswith("oci://"):
        options["--repo"] = location
    elif location and "/" not in name:
        name = f"{location}/{name}"
    switches = {"--devel": "devel", "--verify": "verify"}
    return [
        name,
        *_options(options),
        *_switches(inputs, switches),
    ]


def install_flags(inputs: Mapping[str, Any]) -> list[str]:
    switches = {
        "--create-namespace": "createNamespace",
        "--skip-crds": "skipCrds",
        "--no-hooks": "disableWebhooks",
        "--replace": "replace",
    }
    return [*_common_flags(inputs), *_switches(inputs, switches)]


def upgrade_flags(inputs: Mapping[str, Any]) -> list[str]:
    """Flags of an upgrade. The whole history is kept unless limited, as by the official provider."""
    switches = {
        "--cleanup-on-fail": "cleanupOnFail",
        "--force": "forceUpdate",
        "--no-hooks": "disableCRDHooks",
        "--reset-values": "resetValues",
        "--reuse-values": "reuseValues",
    }
    history = {"--history-max": str(inputs.get("maxHistory") or 0)}
    return [*_common_flags(inputs), *_switches(inputs, switches), *_options(history)]


def uninstall_flags(inputs: Mapping[str, Any]) -> list[str]:
    """Flags of an uninstallation, which waits unless the program asked not to."""
    if inputs.get("skipAwait") and not inputs.get("atomic"):
        return []
    return ["--wait", "--timeout", f"{inputs.get('timeout') or TIMEOUT}s"]


def _common_flags(inputs: Mapping[str, Any]) -> list[str]:
    switches = {
        "--atomic": "atomic",
        "--dependency-update": "dependencyUpdate",
        "--disable-openapi-validation": "disableOpenapiValidation",
        "--render-subchart-notes": "renderSubchartNotes",
        "--take-ownership": "takeOwnership",
    }
    waiting = (
        [] if inputs.get("skipAwait") else ["--wait", *_switches(inputs, {"--wait-for-jobs": "waitForJobs"})]
    )
    options = {
        "--timeout": f"{inputs.get('timeout') or TIMEOUT}s",
        "--description": inputs.get("description"),
    }
    return [*waiting, *_switches(inputs, switches), *_options(options)]


def _switches(inputs: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [flag for flag, name in names.items() if inputs.get(name) is True]


def _options(values: Mapping[str, Any]) -> list[str]:
    return [item for flag, value in values.items() if value for item in (flag, str(value))]


def _timeout(inputs: Properties) -> Any:
    return inputs.get("timeout", 0 if inputs.get("skipAwait") is True else TIMEOUT)


def _repository(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {key: given.get(key, "") for key in REPOSITORY}


def _repository_failures(given: Any) -> list[Failure]:
    if not isinstance(given, Mapping):
        return []
    found = [Failure(f"repositoryOpts.{key}", "no such input") for key in given if key not in REPOSITORY]
    return found + [
        Failure(f"repositoryOpts.{key}", "the lab does not log in to chart repositories")
        for key in ("username", "password")
        if given.get(key)
    ]
