"""The KMS key that encrypts the Secrets of a cluster, on top of EKS's own encryption.

`stacks/secrets_key.py` registers one where `cluster.secretsKey` is set. Without its key a cluster is lost
(docs.aws.amazon.com/eks/latest/userguide/enable-kms.html), so the key is as protected as the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping


class SecretsKeyArgs(TypedDict):
    """The arguments of a `SecretsKey`."""

    cluster_name: str
    """Name of the EKS cluster, for the key's description."""
    alias: str
    """Name of the key without `alias/`, such as eks/dev."""
    rotation_days: int
    """After how many days KMS rotates the key's material; 90 to 2560."""
    deletion_days: int
    """How many days KMS keeps the key after it is destroyed; 7 to 30."""
    protect: bool
    """Whether Pulumi refuses to delete the key."""
    tags: Mapping[str, str]
    """Tags for the key."""


class SecretsKey(pulumi.ComponentResource):
    """A symmetric key that KMS rotates, and its alias; both are named like the component.

    The key has KMS's default policy: IAM policies of the account decide who uses it. EKS gets a grant from
    the identity that creates the cluster, which needs kms:DescribeKey and kms:CreateGrant.
    """

    arn: pulumi.Output[str]
    """ARN of the key."""

    def __init__(self, name: str, args: SecretsKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("SecretsKey"), name, {}, opts)
        key = aws.kms.Key(
            name,
            description=f"Secrets of the EKS cluster {args['cluster_name']}",
            enable_key_rotation=True,
            rotation_period_in_days=args["rotation_days"],
            deletion_window_in_days=args["deletion_days"],
            tags=tagged(args["tags"], name),
            opts=pulumi.ResourceOptions(parent=self, protect=args["protect"]),
        )
        aws.kms.Alias(
            name,
            name=f"alias/{args['alias']}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True)
class ExistingKey:
    """What decides whether EKS takes an existing key."""

    usable: bool
    """Whether it is enabled."""
    symmetric: bool
    """Whether it is symmetric, for encryption."""


def existing_key(arn: str, provider: aws.Provider) -> ExistingKey:
    """Read a key, of this account or of another that allows it.

    Raises what the SDK raises, an Exception, where the key does not exist or may not be read.
    """
    found = aws.kms.get_key(key_id=arn, opts=pulumi.InvokeOptions(provider=provider))
    symmetric = (found.customer_master_key_spec, found.key_usage) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    return ExistingKey(usable=found.key_state == "Enabled", symmetric=symmetric)
