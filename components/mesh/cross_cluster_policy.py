"""Policies in the clusters they belong to: both sides of an intent, and objects of any other origin.

Cilium's operator registers the definitions of these kinds, so whoever makes these components passes a
`depends_on` that waits until they are Established.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi

from components.naming import token
from eks_cilium.policy.objects import policy_pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.policy.objects import Intent, Policy


class PolicyObject(pulumi.CustomResource):
    """One object, sent as it is written.

    What `kubernetes.apiextensions.CustomResource` is, which in Python has no way to say `specs`.
    """

    def __init__(self, name: str, policy: Policy, opts: pulumi.ResourceOptions) -> None:
        sent = {key: value for key, value in policy.object.items() if key != "status"}
        kind = f"kubernetes:{policy.object['apiVersion']}:{policy.kind}"
        super().__init__(kind, name, sent, opts)


class CrossClusterPolicyArgs(TypedDict):
    """What a `CrossClusterPolicy` is made from."""

    intent: Intent
    providers: Mapping[str, pulumi.ProviderResource]


class CrossClusterPolicy(pulumi.ComponentResource):
    """Somebody may talk to somebody: an egress policy in one cluster, an ingress policy in the other."""

    def __init__(
        self, name: str, args: CrossClusterPolicyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("CrossClusterPolicy"), name, {}, opts)
        egress, ingress = policy_pair(args["intent"])
        for direction, policy in (("egress", egress), ("ingress", ingress)):
            PolicyObject(f"{name}-{direction}", policy, _in_its_cluster(self, policy, args["providers"]))
        self.register_outputs({"egress": _told(egress), "ingress": _told(ingress)})


class PolicyObjectsArgs(TypedDict):
    """What `PolicyObjects` are made from."""

    policies: Sequence[Policy]
    """Written by hand, or denying by default."""
    providers: Mapping[str, pulumi.ProviderResource]


class PolicyObjects(pulumi.ComponentResource):
    """Policies that belong together: those of a file, or those that deny by default."""

    def __init__(
        self, name: str, args: PolicyObjectsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("PolicyObjects"), name, {}, opts)
        for policy in args["policies"]:
            place = "-".join(filter(None, (policy.cluster, policy.namespace, policy.name)))
            PolicyObject(f"{name}-{place}", policy, _in_its_cluster(self, policy, args["providers"]))
        self.register_outputs({"policies": [_told(policy) for policy in args["policies"]]})


def _in_its_cluster(
    parent: pulumi.Resource, policy: Policy, providers: Mapping[str, pulumi.ProviderResource]
) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, provider=providers[policy.cluster])


def _told(policy: Policy) -> str:
    return f"{policy.cluster}: {policy}"
