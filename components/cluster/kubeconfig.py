"""The kubeconfig of an EKS cluster. Its reader proves who it is with the AWS CLI, so it holds no secret."""

from __future__ import annotations

import json


def kubeconfig(
    *, name: str, region: str, endpoint: str, certificate_authority: str, profile: str | None = None
) -> str:
    """A kubeconfig as JSON, which is YAML as well. `certificate_authority` is base64 as EKS returns it."""
    arguments = ["eks", "get-token", "--region", region, "--cluster-name", name, "--output", "json"]
    if profile is not None:
        arguments += ["--profile", profile]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority},
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": arguments,
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
        }
    )
