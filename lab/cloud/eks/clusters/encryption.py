"""The KMS key of a cluster's Secrets: what EKS takes, and its refusals.

docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html: symmetric, in the region of the cluster, and
readable for the caller where it belongs to another account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.exceptions

from lab.cloud.eks.errors import InvalidParameterError

if TYPE_CHECKING:
    from lab.cloud.eks.aws_clients import AwsClients


def checked(aws: AwsClients, region: str, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an encryption configuration whose key EKS takes."""
    for config in wanted:
        key = config.get("provider", {}).get("keyArn")
        if config.get("resources") != ["secrets"] or not key:
            message = "encryptionConfig must name the resources ['secrets'] and a provider keyArn"
            raise InvalidParameterError(message)
        _check_key(aws, region, key)
    return wanted


def _check_key(aws: AwsClients, region: str, key: str) -> None:
    if key.startswith("arn:") and key.split(":")[3] != region:
        message = f"The keyArn in encryptionConfig must be in the region of the cluster, {region}: {key}"
        raise InvalidParameterError(message)
    try:
        found = aws.kms.describe_key(KeyId=key)["KeyMetadata"]
    except botocore.exceptions.ClientError as error:
        message = f"The keyArn in encryptionConfig is invalid: {error.response['Error']['Message']}"
        raise InvalidParameterError(message) from error
    if found["KeyState"] != "Enabled":
        message = f"The keyArn in encryptionConfig is not enabled: {key} is {found['KeyState']}"
        raise InvalidParameterError(message)
    if (found["KeySpec"], found["KeyUsage"]) != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
        message = f"The keyArn in encryptionConfig must be a symmetric encryption key: {key}"
        raise InvalidParameterError(message)
