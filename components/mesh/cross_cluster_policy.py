"""Policies as resources of the clusters they are for: the two of an intent, and policies of any other origin.

The Cilium operator registers the definitions of these kinds. Pass a `depends_on` that waits until the
definitions are Established, or the first policy fails because its kind does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi

from components.naming import token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.policy.objects import Policy, PolicyPair


class PolicyObject(pulumi.CustomResource):
    """One policy as a Kubernetes object, sent as it is written but for its `status`.

    It does what `kubernetes.apiextensions.CustomResource` does, whose Python class cannot send `specs`.

    Args:
        name: Name of the resource.
        policy: The object and the name of its cluster.
        opts: Has to hold the Kubernetes provider of that cluster.
    """

    def __init__(self, name: str, policy: Policy, opts: pulumi.ResourceOptions) -> None:
        sent = {key: value for key, value in policy.object.items() if key != "status"}
        kind = f"kubernetes:{policy.object['apiVersion']}:{policy.kind}"
        super().__init__(kind, name, sent, opts)


class CrossClusterPolicyArgs(TypedDict):
    """The arguments of a `CrossClusterPolicy` component."""

    policies: PolicyPair
    """Both policies of the intent, from `eks_cilium.policy.objects.policy_pair`."""
    providers: Mapping[str, pulumi.ProviderResource]
    """The Kubernetes provider of each cluster, by the cluster's name in Cilium."""


class CrossClusterPolicy(pulumi.ComponentResource):
    """The two policies of an intent: egress allowed in the source's cluster, ingress in the destination's.

    Its outputs `egress` and `ingress` name the two objects and their clusters.

    Raises:
        KeyError: There is no provider for one of the two clusters.
    """

    def __init__(
        self, name: str, args: CrossClusterPolicyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("CrossClusterPolicy"), name, {}, opts)
        egress, ingress = args["policies"]
        for direction, policy in (("egress", egress), ("ingress", ingress)):
            PolicyObject(f"{name}-{direction}", policy, _in_its_cluster(self, policy, args["providers"]))
        self.register_outputs({"egress": _title(egress), "ingress": _title(ingress)})


class PolicyObjectsArgs(TypedDict):
    """The arguments of a `PolicyObjects` component."""

    policies: Sequence[Policy]
    """Policies written by hand, or default denies; of one or several clusters."""
    providers: Mapping[str, pulumi.ProviderResource]
    """The Kubernetes provider of each cluster, by the cluster's name in Cilium."""


class PolicyObjects(pulumi.ComponentResource):
    """Policies that belong together, such as all policies of a file.

    Its output `policies` names the objects and their clusters.

    Raises:
        KeyError: There is no provider for the cluster of a policy.
    """

    def __init__(
        self, name: str, args: PolicyObjectsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("PolicyObjects"), name, {}, opts)
        for policy in args["policies"]:
            place = "-".join(filter(None, (policy.cluster, policy.namespace, policy.name)))
            PolicyObject(f"{name}-{place}", policy, _in_its_cluster(self, policy, args["providers"]))
        self.register_outputs({"policies": [_title(policy) for policy in args["policies"]]})


def _in_its_cluster(
    parent: pulumi.Resource, policy: Policy, providers: Mapping[str, pulumi.ProviderResource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, provider=providers[policy.cluster])


def _title(policy: Policy) -> str:
    return f"{policy.cluster}: {policy}"
