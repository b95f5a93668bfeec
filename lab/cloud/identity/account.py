"""The account as it exists at the start: its users, and EKS's service role.

`engineer` runs the program. `stranger` has keys of the same account but no access to any cluster; tests of
refusals use it. The service role appears as the caller of EKS's own calls to EC2 and Auto Scaling.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from lab.cloud.identity.identities import PARTITION

if TYPE_CHECKING:
    from lab.cloud.identity.identities import Credentials, Identities

ENGINEER = "engineer"
STRANGER = "stranger"
_SERVICE_ROLE = "AWSServiceRoleForAmazonEKS"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "eks.amazonaws.com"}},
    ],
}
_YEARS = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class Account:
    """The identities that exist when the cloud starts."""

    engineer: Credentials
    stranger: Credentials
    eks: Credentials


def create(identities: Identities, region: str) -> Account:
    """Create the users and the service role in an empty account."""
    return Account(
        engineer=_user(identities, ENGINEER, region),
        stranger=_user(identities, STRANGER, region),
        eks=_service_session(identities, region),
    )


def _user(identities: Identities, name: str, region: str) -> Credentials:
    iam = iam_backends[identities.account][PARTITION]
    iam.create_user(region, name)
    return _known(identities, iam.create_access_key(name).access_key_id)


def _service_session(identities: Identities, region: str) -> Credentials:
    iam = iam_backends[identities.account][PARTITION]
    role = iam.create_role(
        role_name=_SERVICE_ROLE,
        assume_role_policy_document=json.dumps(_TRUST),
        path="/aws-service-role/eks.amazonaws.com/",
        permissions_boundary=None,
        description="Allows Amazon EKS to call AWS services on your behalf.",
        tags=[],
        max_session_duration=None,
        linked_service="eks.amazonaws.com",
    )
    session = sts_backends[identities.account][PARTITION].assume_role(
        region_name=region,
        role_session_name="EKS",
        role_arn=role.arn,
        policy="",
        duration=_YEARS,
        external_id="",
    )
    return _known(identities, session.access_key_id)


def _known(identities: Identities, access_key_id: str) -> Credentials:
    credentials = identities.find(access_key_id)
    assert credentials, f"moto does not find the access key {access_key_id} that it has just created"
    return credentials
