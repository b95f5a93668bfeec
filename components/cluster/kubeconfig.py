"""The kubeconfig of an EKS cluster, which every program exports and Kubernetes providers use.

It holds no secret: kubectl gets a token from the AWS CLI, with the credentials of its user.
"""

from __future__ import annotations

import json


def kubeconfig(
    *, name: str, region: str, endpoint: str, certificate_authority: str, profile: str | None = None
) -> str:
    """A kubeconfig as JSON, which is YAML as well.

    Args:
        name: Name of the EKS cluster; also of the context.
        region: AWS region of the cluster.
        endpoint: URL of the API server.
        certificate_authority: Base64, as EKS returns it.
        profile: AWS profile for the token; that of the environment where None.
    """
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
