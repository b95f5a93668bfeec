"""The kubeconfig that the component returns; it holds no secret, since the AWS CLI creates the token."""

import json
from typing import Any

import pulumi

from lab.providers.errors import RefusedError

API = "client.authentication.k8s.io/v1beta1"


def region_of(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 4 or parts[0] != "arn":
        raise RefusedError(f"'{arn}' is not an ARN")
    return parts[3]


def kubeconfig(
    *,
    name: str,
    endpoint: str,
    certificate_authority: str,
    region: str,
    profile: str | None,
    role: str | None,
) -> dict[str, Any]:
    """The kubeconfig as an object, in the form of the real component."""
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    arguments += ["--role", role] if role else []
    arguments += ["--profile", profile] if profile else []
    command = {
        "apiVersion": API,
        "command": "aws",
        "args": arguments,
        "env": [{"name": "KUBERNETES_EXEC_INFO", "value": json.dumps({"apiVersion": API})}],
    }
    # The order of the keys is the real component's too: the text is an input of its Kubernetes provider.
    return {
        "apiVersion": "v1",
        "clusters": [
            {
                "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority},
                "name": "kubernetes",
            }
        ],
        "contexts": [{"context": {"cluster": "kubernetes", "user": "aws"}, "name": "aws"}],
        "current-context": "aws",
        "kind": "Config",
        "users": [{"name": "aws", "user": {"exec": command}}],
    }


def kubeconfig_output(**facts: pulumi.Input[Any]) -> pulumi.Output[dict[str, Any]]:
    """The kubeconfig of values that may be unknown."""
    return pulumi.Output.all(**facts).apply(lambda known: kubeconfig(**known))


def kubeconfig_json(**facts: pulumi.Input[Any]) -> pulumi.Output[str]:
    """The kubeconfig as JSON text."""
    return kubeconfig_output(**facts).apply(as_json)


def as_json(value: Any) -> str:
    """JSON as JavaScript writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
