"""The trust policy of an IAM role for one Kubernetes service account; used by the roles of both CNIs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi

from eks_cilium.cilium.iam import web_identity_trust

if TYPE_CHECKING:
    from collections.abc import Mapping


def trust_of(
    service_account: tuple[str, str], provider_arn: pulumi.Input[str], issuer: pulumi.Input[str]
) -> pulumi.Output[str]:
    """The trust policy as JSON.

    Args:
        service_account: Namespace and name of the service account.
        provider_arn: ARN of the cluster's IAM identity provider.
        issuer: The cluster's token issuer, without https://.
    """
    namespace, name = service_account

    def document(known: Mapping[str, str]) -> str:
        return json.dumps(
            web_identity_trust(
                provider_arn=known["arn"], issuer=known["issuer"], namespace=namespace, service_account=name
            )
        )

    return pulumi.Output.all(arn=provider_arn, issuer=issuer).apply(document)
