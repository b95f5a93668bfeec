"""The IAM user of the emulated Cluster Autoscaler, whom the call log tells from the program."""

from typing import Any

import boto3

from lab.environment import Cloud

USER = "cluster-autoscaler"


def client_of_autoscaler(cloud: Cloud) -> Any:
    """Create the user with an access key, and return its client of Auto Scaling."""
    iam = _client(cloud, "iam", cloud.access_key_id, cloud.secret_access_key)
    iam.create_user(UserName=USER)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    return _client(cloud, "autoscaling", key["AccessKeyId"], key["SecretAccessKey"])


def _client(cloud: Cloud, service: str, key: str, secret: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name=cloud.region,
    )
