"""The credentials of an engineer whose AWS sessions end, in a credentials file as login tools write it.

`aws sso login`, `saml2aws` and jobs of a CI system write short-lived keys of a role into a profile. When the
session ends, AWS refuses its calls and EKS its tokens, until fresh keys are in the file.
"""

import configparser
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from lab.environment import Cloud

PROFILE = "engineer"
ROLE = "migration"
_ADMINISTRATORS = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@dataclass
class SessionCredentials:
    """A profile in a credentials file, whose session can be ended and renewed."""

    cloud: Cloud
    file: Path
    _current: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which AWS clients use the profile, in place of keys in variables."""
        return {"AWS_PROFILE": PROFILE, "AWS_SHARED_CREDENTIALS_FILE": str(self.file)}

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return an environment of the lab in which the profile replaces the engineer's keys."""
        without_keys = {
            name: value
            for name, value in base.items()
            if name not in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
        }
        return {**without_keys, **self.variables}

    def admit_to(self, cluster: str) -> None:
        """Create the role and make it an administrator of a cluster."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = self._client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        eks = self._client("eks")
        eks.create_access_entry(clusterName=cluster, principalArn=role)
        eks.associate_access_policy(
            clusterName=cluster,
            principalArn=role,
            policyArn=_ADMINISTRATORS,
            accessScope={"type": "cluster"},
        )

    def renew(self) -> None:
        """Begin a new session of the role and write its keys into the file."""
        sts = self._client("sts")
        arn = f"arn:aws:iam::{self.cloud.account}:role/{ROLE}"
        keys = sts.assume_role(RoleArn=arn, RoleSessionName="engineer")["Credentials"]
        profile = configparser.ConfigParser()
        profile[PROFILE] = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }
        new = self.file.with_suffix(".new")
        with new.open("w", encoding="utf-8") as stream:
            profile.write(stream)
        new.replace(self.file)
        self._current = keys["AccessKeyId"]

    def expire(self) -> None:
        """End the session whose keys are in the file."""
        request = {"accessKeyId": self._current}
        httpx.post(f"{self.cloud.url}/lab/expire-session", json=request, trust_env=False).raise_for_status()

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.cloud.url,
            aws_access_key_id=self.cloud.access_key_id,
            aws_secret_access_key=self.cloud.secret_access_key,
            region_name=self.cloud.region,
        )
