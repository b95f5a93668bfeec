"""The component or method for a token of the eks package."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_eks  # noqa: F401  # registers the component class, which deserializes references
from pulumi.provider.provider import CallResult, ConstructResult, InvokeResult, Provider

from lab.providers.eks.cluster import Cluster
from lab.providers.eks.kubeconfig import kubeconfig_json, region_of
from lab.providers.errors import NotOfferedError

VERSION = "4.4.0"
CLUSTER = "eks:index:Cluster"
GET_KUBECONFIG = "eks:index:Cluster/getKubeconfig"


class EksProvider(Provider):
    def __init__(self) -> None:
        super().__init__(VERSION)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        if resource_type != CLUSTER:
            raise NotOfferedError(f"the lab does not offer the component {resource_type}")
        cluster = Cluster(name, dict(inputs), options)
        return ConstructResult(urn=cluster.urn, state=cluster.outputs)

    def call(self, token: str, args: Mapping[str, Any]) -> CallResult:
        """`Cluster.get_kubeconfig`, for another profile or role than those of the cluster."""
        if token != GET_KUBECONFIG:
            raise NotOfferedError(f"the lab does not offer the method {token}")
        cluster = pulumi.Output.from_input(args["__self__"].eks_cluster)
        text = kubeconfig_json(
            name=cluster.name,
            endpoint=cluster.endpoint,
            certificate_authority=cluster.certificate_authority.data,
            region=cluster.arn.apply(region_of),
            profile=args.get("profileName"),
            role=args.get("roleArn"),
        )
        return CallResult(outputs={"result": text})

    def invoke(self, token: str, args: Mapping[str, Any]) -> InvokeResult:  # noqa: ARG002  # the SDK's
        raise NotOfferedError(f"there is no function {token}")
