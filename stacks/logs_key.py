"""The KMS key of the control plane's logs: whether CloudWatch Logs may use it.

`stacks/new_cluster_base.py` asks before it registers anything.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.secrets_key import existing_key
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import AwsRefusedError, ProgramError, UnexpectedAnswerError
from eks_cilium.settings.problems import Problem, remove_command

if TYPE_CHECKING:
    import pulumi_aws as aws

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings

_PATH = ("cluster", "logsKeyArn")


def check_logs_key(
    settings: NewClusterBaseSettings, provider: aws.Provider, aws_client: ClientOf = client
) -> None:
    """Refuse a key that CloudWatch Logs would not take. Raises `pulumi.RunError`.

    docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html: a symmetric key, whose policy
    allows the service of the region to use it.
    """
    arn = settings.cluster.logs_key_arn
    if arn is None:
        return
    try:
        key = existing_key(arn, provider)
    except Exception as error:  # the SDK raises nothing narrower
        raise _problem(arn, f"a key that this identity can read: {' '.join(str(error).split())}") from None
    if not key.symmetric or not key.usable:
        raise _problem(arn, "an enabled symmetric key for encryption: CloudWatch Logs takes no other")
    service = f"logs.{settings.region}.amazonaws.com"
    policy = _policy(settings, arn, aws_client)
    if policy is not None and service not in _services(policy):
        raise _problem(arn, f"a key whose policy has this statement: {_statement(settings, arn, service)}")


def _problem(arn: str, allowed: str) -> pulumi.RunError:
    return pulumi.RunError(str(Problem(_PATH, arn, allowed, remove_command(_PATH))))


def _policy(settings: NewClusterBaseSettings, arn: str, aws_client: ClientOf) -> Any:
    """The policy of a key; None where it may not be read, as in another account."""
    kms = aws_client(Credentials(region=settings.region, profile=settings.profile), "kms")
    try:
        return json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    except AwsRefusedError:
        return None
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"the policy of {arn} could not be read: {error}") from None


def _services(policy: Any) -> set[str]:
    """The services that a policy allows anything."""
    found: set[str] = set()
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow":
            found |= {services} if isinstance(services, str) else set(services)
    return {service.removesuffix(".cn") for service in found}


def _statement(settings: NewClusterBaseSettings, arn: str, service: str) -> str:
    _, partition, _, _, account, _ = arn.split(":", 5)
    group = f"/aws/eks/{settings.cluster.name}/cluster"
    return json.dumps(
        {
            "Effect": "Allow",
            "Principal": {"Service": service + (".cn" if partition == "aws-cn" else "")},
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:Describe*",
            ],
            "Resource": "*",
            "Condition": {
                "ArnEquals": {
                    "kms:EncryptionContext:aws:logs:arn": f"arn:{partition}:logs:{settings.region}:{account}:"
                    f"log-group:{group}"
                }
            },
        }
    )
