"""The function that reads a KMS key."""

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function
from lab.providers.aws.shapes import from_api
from lab.providers.values import Properties


def key(cloud: Cloud, arguments: Properties) -> Properties:
    found = cloud.client("kms").describe_key(KeyId=arguments["keyId"])["KeyMetadata"]
    return {
        **from_api(found, "arn", "description", "enabled", "keyManager", "keySpec", "keyState", "keyUsage"),
        "id": found["KeyId"],
        "awsAccountId": found["AWSAccountId"],
        "customerMasterKeySpec": found["KeySpec"],
        "multiRegion": bool(found.get("MultiRegion")),
        "origin": found.get("Origin", "AWS_KMS"),
    }


FUNCTIONS = (Function("aws:kms/getKey:getKey", ("keyId",), key),)
