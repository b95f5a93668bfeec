"""The add-ons that the lab's EKS offers: versions, manifests, and configuration.

The manifests are in `manifests/`. The configuration schemas contain only the parts of AWS's that have an
effect here, so that a setting without effect is refused instead of silently accepted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

from lab.cloud import kubernetes_versions
from lab.cloud.eks.errors import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cloud.eks.kubernetes_api import Object

_MANIFESTS = Path(__file__).parent / "manifests"
_OBJECT = {"type": "object"}
_OBJECTS = {"type": "array", "items": _OBJECT}
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
_ENVIRONMENT = {"type": "object", "additionalProperties": {"type": ["string", "boolean", "integer"]}}
_BUDGET_LIMIT = {"type": ["integer", "string"]}
_POD = {
    "affinity": {"type": ["object", "null"]},
    "tolerations": _OBJECTS,
    "resources": _OBJECT,
    "podAnnotations": _STRINGS,
    "podLabels": _STRINGS,
}
_PROPERTIES: dict[str, dict[str, Any]] = {
    "vpc-cni": {
        **_POD,
        "env": _ENVIRONMENT,
        "init": {"type": "object", "additionalProperties": False, "properties": {"env": _ENVIRONMENT}},
        "enableNetworkPolicy": {"type": "string", "enum": ["true", "false"]},
        "enableWindowsIpam": {"type": "string", "enum": ["true", "false"]},
    },
    "kube-proxy": {
        "resources": _OBJECT,
        "podAnnotations": _STRINGS,
        "podLabels": _STRINGS,
        "mode": {"type": "string", "enum": ["iptables", "ipvs", "nftables"]},
    },
    "coredns": {
        **_POD,
        "replicaCount": {"type": "integer", "minimum": 1},
        "nodeSelector": _STRINGS,
        "topologySpreadConstraints": _OBJECTS,
        "corefile": {"type": "string"},
        "podDisruptionBudget": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "enabled": {"type": "boolean"},
                "maxUnavailable": _BUDGET_LIMIT,
                "minAvailable": _BUDGET_LIMIT,
            },
        },
    },
    "eks-pod-identity-agent": {**_POD, "priorityClassName": {"type": "string"}},
    "aws-ebs-csi-driver": {
        "defaultStorageClass": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"enabled": {"type": "boolean"}},
        },
    },
    "metrics-server": {
        **_POD,
        "replicas": {"type": "integer", "minimum": 1},
        "nodeSelector": _STRINGS,
        "priorityClassName": {"type": "string"},
    },
}


@dataclass(frozen=True)
class AddonKind:
    """An add-on that EKS offers. `builds` lists its versions by Kubernetes version, newest first."""

    name: str
    workload: tuple[str, str]
    purpose: str
    builds: Mapping[str, tuple[str, ...]] = field(repr=False)
    needs_iam: bool = False

    @cached_property
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its configuration values."""
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": False,
            "properties": _PROPERTIES[self.name],
        }

    def version(self, kubernetes: str, wanted: str | None) -> str:
        """Return the wanted version if this Kubernetes version offers it; without `wanted`, the newest."""
        offered = self.builds[kubernetes]
        if wanted is None:
            return offered[0]
        if wanted not in offered:
            message = (
                f"Addon version specified is not supported: {self.name} {wanted} with Kubernetes {kubernetes}"
            )
            raise InvalidParameterError(message)
        return wanted

    def configuration(self, text: str | None) -> dict[str, Any]:
        """Parse and check configuration values in JSON or YAML."""
        if not text:
            return {}
        try:
            values = yaml.safe_load(text) or {}
            jsonschema.validate(values, self.schema)
        except yaml.YAMLError as error:
            message = f"ConfigurationValue provided in request is not valid JSON or YAML: {error}"
            raise InvalidParameterError(message) from error
        except jsonschema.ValidationError as error:
            message = (
                "ConfigurationValue provided in request is not supported: "
                f"Json schema validation failed with error: [{error.json_path}: {error.message}]"
            )
            raise InvalidParameterError(message) from error
        return dict(values)

    def manifests(self, substitutions: Mapping[str, str]) -> list[Object]:
        """Return the objects that it installs, in the order in which they can be applied."""
        text = (_MANIFESTS / f"{self.name}.yaml").read_text(encoding="utf-8")
        return list(yaml.safe_load_all(Template(text).substitute(substitutions)))

    def describe(self, kubernetes: str | None) -> dict[str, Any]:
        """Return the add-on as in DescribeAddonVersions."""
        minors = [kubernetes] if kubernetes else list(self.builds)
        by_version: dict[str, list[str]] = {}
        for minor in minors:
            for version in self.builds.get(minor, ()):
                by_version.setdefault(version, []).append(minor)
        return {
            "addonName": self.name,
            "type": self.purpose,
            "addonVersions": [self._version(version, found) for version, found in by_version.items()],
            "publisher": "eks",
            "owner": "aws",
            "defaultNamespace": "kube-system",
        }

    def _version(self, version: str, minors: list[str]) -> dict[str, Any]:
        return {
            "addonVersion": version,
            "architecture": ["amd64", "arm64"],
            "computeTypes": ["ec2"],
            "compatibilities": [
                {
                    "clusterVersion": minor,
                    "platformVersions": ["*"],
                    "defaultVersion": self.builds[minor][0] == version,
                }
                for minor in minors
            ],
            "requiresConfiguration": False,
            "requiresIamPermissions": self.needs_iam,
        }


def _everywhere(*builds: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(kubernetes_versions.OFFERED, builds)


_KUBE_PROXY = {
    minor: (f"v{version.patch}-eksbuild.2", f"v{minor}.0-eksbuild.2")
    for minor, version in kubernetes_versions.OFFERED.items()
}
_COREDNS = {
    "1.33": ("v1.12.4-eksbuild.1", "v1.12.1-eksbuild.2"),
    "1.34": ("v1.12.4-eksbuild.1", "v1.12.3-eksbuild.1"),
    "1.35": ("v1.13.2-eksbuild.1", "v1.12.4-eksbuild.1"),
    "1.36": ("v1.14.2-eksbuild.1", "v1.13.2-eksbuild.1"),
}

CATALOGUE = {
    kind.name: kind
    for kind in (
        AddonKind(
            "vpc-cni",
            ("DaemonSet", "aws-node"),
            "networking",
            _everywhere("v1.21.1-eksbuild.1", "v1.20.5-eksbuild.1", "v1.19.6-eksbuild.7"),
            needs_iam=True,
        ),
        AddonKind("kube-proxy", ("DaemonSet", "kube-proxy"), "networking", _KUBE_PROXY),
        AddonKind("coredns", ("Deployment", "coredns"), "networking", _COREDNS),
        AddonKind(
            "eks-pod-identity-agent",
            ("DaemonSet", "eks-pod-identity-agent"),
            "security",
            _everywhere("v1.3.10-eksbuild.1", "v1.3.9-eksbuild.3"),
        ),
        AddonKind(
            "aws-ebs-csi-driver",
            ("Deployment", "ebs-csi-controller"),
            "storage",
            _everywhere("v1.53.0-eksbuild.1", "v1.52.1-eksbuild.1"),
            needs_iam=True,
        ),
        AddonKind(
            "metrics-server",
            ("Deployment", "metrics-server"),
            "observability",
            {**_everywhere("v0.8.0-eksbuild.5", "v0.8.0-eksbuild.2"), "1.33": ("v0.8.0-eksbuild.2",)},
        ),
    )
}
SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")


def kind_of(name: str) -> AddonKind:
    """Return an offered add-on, or raise EKS's refusal (aws/containers-roadmap#1429)."""
    if name not in CATALOGUE:
        message = f"Addon specified is not supported: {name} (the lab offers {', '.join(CATALOGUE)})"
        raise InvalidParameterError(message, addonName=name)
    return CATALOGUE[name]


def schema_text(kind: AddonKind) -> str:
    """Return the configuration schema as in DescribeAddonConfiguration."""
    return json.dumps(kind.schema)
