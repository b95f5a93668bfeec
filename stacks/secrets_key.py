"""The KMS key of a new cluster's Secrets: checked, and made where none is given.

`stacks/new_cluster_base.py` calls it before it registers the control plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.secrets_key import SecretsKey, existing_key
from components.naming import CLUSTER_TAG
from eks_cilium.clients.aws import Credentials
from eks_cilium.errors import AwsRefusedError
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi_aws as aws

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings

_PATH = ("cluster", "secretsKeyArn")


@dataclass(frozen=True)
class RunningKey:
    """The key of a cluster that exists."""

    arn: str | None
    """None where the cluster has none."""
    own: bool = False
    """Whether the stack made it, by its tags."""


def running_key(settings: NewClusterBaseSettings, client: ClientOf) -> RunningKey:
    """The key of the cluster, which exists. EKS is asked by boto3: the provider's function does not say."""
    credentials = Credentials(region=settings.region, profile=settings.profile)
    described = client(credentials, "eks").describe_cluster(name=settings.cluster.name)["cluster"]
    configured = described.get("encryptionConfig") or ()
    arn = next((config["provider"]["keyArn"] for config in configured), None)
    return RunningKey(arn, arn is not None and _is_own(settings, client(credentials, "kms"), arn))


def _is_own(settings: NewClusterBaseSettings, kms: Any, arn: str) -> bool:
    try:
        pages = kms.get_paginator("list_resource_tags").paginate(KeyId=arn)
        tags = {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}
    except AwsRefusedError:
        return False  # of another account, or readable for others only: not this stack's
    return tags.get(CLUSTER_TAG) == settings.cluster.name


def check_running_key(settings: NewClusterBaseSettings, running: RunningKey) -> None:
    """Refuse to take encryption away or to change its key. Raises `pulumi.RunError`.

    "You can't disable secrets encryption after enabling it" (docs.aws.amazon.com/eks/latest/userguide/
    enable-kms.html). The provider would replace the cluster when the key is removed, and do nothing when
    another is named (internal/service/eks/cluster.go of hashicorp/terraform-provider-aws).
    """
    wanted = settings.cluster
    if running.arn is None:
        return
    given = wanted.secrets_key_arn
    if running.own and wanted.secrets_key is None:
        path, value = ("cluster", "secretsKey"), given or UNSET
        allowed = f"the key that this stack made, {running.arn}: it would be deleted, and the cluster be lost"
        raise pulumi.RunError(str(Problem(path, value, allowed, set_fix(path, {}))))
    if not running.own and given != running.arn:
        value = {} if wanted.secrets_key is not None else given or UNSET
        allowed = f"{running.arn}, which encrypts the cluster: EKS never changes the key or removes it"
        raise pulumi.RunError(str(Problem(_PATH, value, allowed, set_fix(_PATH, running.arn))))


def check_given_key(settings: NewClusterBaseSettings, provider: aws.Provider) -> None:
    """Refuse an existing key that EKS would not take. Raises `pulumi.RunError`."""
    arn = settings.cluster.secrets_key_arn
    if arn is None:
        return
    try:
        key = existing_key(arn, provider)
    except Exception as error:  # the SDK raises nothing narrower
        allowed = f"a key that this identity can read: {' '.join(str(error).split())}"
        raise pulumi.RunError(str(Problem(_PATH, arn, allowed, remove_command(_PATH)))) from None
    if not key.symmetric or not key.usable:
        allowed = "an enabled symmetric key for encryption: EKS takes no other"
        raise pulumi.RunError(str(Problem(_PATH, arn, allowed, remove_command(_PATH))))


def secrets_key(
    settings: NewClusterBaseSettings, provider: aws.Provider, tags: Mapping[str, str]
) -> pulumi.Input[str] | None:
    """ARN of the key, which is registered here where none is given; None without any."""
    wanted = settings.cluster.secrets_key
    if wanted is None:
        return settings.cluster.secrets_key_arn
    name = settings.cluster.name
    key = SecretsKey(
        f"{name}-secrets",
        {
            "cluster_name": name,
            "alias": wanted.alias or f"eks/{name}",
            "rotation_days": wanted.rotation_days,
            "deletion_days": wanted.deletion_days,
            "protect": settings.cluster.protect,
            "tags": tags,
        },
        pulumi.ResourceOptions(providers=[provider]),
    )
    return key.arn
