"""The trust of a role that one Kubernetes service account takes on."""

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
    """The policy document. `service_account` is a namespace and a name, `issuer` comes without https://."""
    namespace, name = service_account

    def document(known: Mapping[str, str]) -> str:
        return json.dumps(
            web_identity_trust(
                provider_arn=known["arn"], issuer=known["issuer"], namespace=namespace, service_account=name
            )
        )

    return pulumi.Output.all(arn=provider_arn, issuer=issuer).apply(document)
