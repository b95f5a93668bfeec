"""The trust policy of an IAM role for one Kubernetes service account; used by the roles of both CNIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi

from eks_cilium.cilium.iam import pod_identity_trust, web_identity_trust

if TYPE_CHECKING:
    from collections.abc import Mapping


def trust_of(
    service_account: tuple[str, str],
    provider_arn: pulumi.Input[str],
    issuer: pulumi.Input[str],
    *,
    pod_identity_in: pulumi.Input[str] | None = None,
) -> pulumi.Output[str]:
    """The trust policy as JSON.

    Args:
        service_account: Namespace and name of the service account.
        provider_arn: ARN of the cluster's IAM identity provider.
        issuer: The cluster's token issuer, without https://.
        pod_identity_in: ARN of a cluster whose Pod Identity may assume the role as well. The identity
            provider stays trusted, so that pods of both kinds have credentials while a change is rolled out.
    """
    namespace, name = service_account

    def document(known: Mapping[str, str]) -> str:
        trust = web_identity_trust(
            provider_arn=known["arn"], issuer=known["issuer"], namespace=namespace, service_account=name
        )
        if pod_identity_in is not None:
            more = pod_identity_trust(cluster_arn=known["cluster"], namespace=namespace, service_account=name)
            trust["Statement"] += more["Statement"]
        return json.dumps(trust)

    known = {"arn": provider_arn, "issuer": issuer}
    if pod_identity_in is not None:
        known["cluster"] = pod_identity_in
    return pulumi.Output.all(**known).apply(document)
