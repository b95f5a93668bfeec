"""The KMS key of a cluster's Secrets: made or given, and never taken away."""

from typing import Any

import pulumi
import pytest

from eks_cilium.errors import AwsAnswer, AwsRefusedError
from stacks import new_cluster
from tests.program.components.recording import Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import SETTINGS, settings_of
from tests.program.components.test_what_exists import running

pytestmark = pytest.mark.simulation

KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER = KEY.replace("1234abcd", "5678abcd")
READ = {
    "getKey": {
        "keyState": "Enabled",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
    }
}
OWN_TAGS = [{"TagKey": "eks-cilium/cluster", "TagValue": "dev"}]


class Account(WithoutKey):
    """boto3's clients of EKS and KMS, for a cluster with a key and the tags of the key."""

    def __init__(self, key: str | None = None, tags: list[dict[str, str]] | None = None) -> None:
        super().__init__()
        self._key, self._tags = key, tags

    def describe_cluster(self, name: str) -> dict[str, Any]:
        config = [{"resources": ["secrets"], "provider": {"keyArn": self._key}}]
        return {"cluster": {"name": name, **({"encryptionConfig": config} if self._key else {})}}

    def get_paginator(self, operation: str) -> Any:
        if operation == "describe_addon_versions":
            return super().get_paginator(operation)
        assert operation == "list_resource_tags"
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self._tags is None:
            answer = AwsAnswer("kms:ListResourceTags", "AccessDeniedException", "no")
            raise AwsRefusedError("denied", answer)
        return [{"Tags": self._tags}]


def recorded(
    keys: dict[str, Any], account: Account | None = None, answers: dict[str, Any] | None = None
) -> Recorder:
    settings = settings_of({"cluster": {**SETTINGS["cluster"], **keys}})
    known = {**READ, **(running() if account is not None else {}), **(answers or {})}
    return record(lambda: new_cluster.run(settings, aws_client=lambda *_: account or Account()), known)


def test_without_a_key_there_is_none() -> None:
    stack = recorded({})

    assert stack.of("Key") == []
    assert "encryptionConfigKeyArn" not in stack.only("Cluster").inputs


def test_a_key_that_is_made_rotates_and_is_as_protected_as_the_cluster() -> None:
    stack = recorded({"secretsKey": {"rotationDays": 180, "deletionDays": 7}})

    key = stack.only("Key", "dev-secrets")
    assert key.inputs["enableKeyRotation"] is True
    assert (key.inputs["rotationPeriodInDays"], key.inputs["deletionWindowInDays"]) == (180, 7)
    assert key.protect
    assert stack.only("Alias").inputs["name"] == "alias/eks/dev"
    assert stack.only("Cluster").inputs["encryptionConfigKeyArn"].endswith(":dev-secrets")
    assert stack.waits_for(stack.only("Cluster"), key)
    assert not recorded({"secretsKey": {}, "protect": False}).only("Key").protect


def test_a_key_that_is_given_is_used_as_it_is() -> None:
    stack = recorded({"secretsKeyArn": KEY})

    assert stack.of("Key") == []
    assert stack.only("Cluster").inputs["encryptionConfigKeyArn"] == KEY


@pytest.mark.parametrize(
    "differing",
    [{"keyState": "PendingDeletion"}, {"customerMasterKeySpec": "RSA_2048"}, {"keyUsage": "SIGN_VERIFY"}],
)
def test_a_given_key_that_eks_would_not_take_is_refused(differing: dict[str, str]) -> None:
    with pytest.raises(pulumi.RunError, match="an enabled symmetric key"):
        recorded({"secretsKeyArn": KEY}, answers={"getKey": READ["getKey"] | differing})


def test_a_given_key_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"a key that this identity can read: .*no such key"):
        recorded({"secretsKeyArn": KEY}, answers={"getKey": LookupError("no such key")})


@pytest.mark.parametrize(
    ("keys", "account"),
    [
        ({}, Account()),
        ({"secretsKey": {}}, Account()),
        ({"secretsKeyArn": KEY}, Account()),
        ({"secretsKeyArn": KEY}, Account(KEY, [])),
        ({"secretsKeyArn": KEY}, Account(KEY, None)),
        ({"secretsKey": {}}, Account(KEY, OWN_TAGS)),
    ],
    ids=["none", "made later", "given later", "given", "given by another account", "made"],
)
def test_a_key_that_stays_or_comes_later_is_accepted(keys: dict[str, Any], account: Account) -> None:
    assert recorded(keys, account).only("Cluster")


@pytest.mark.parametrize(
    ("keys", "account", "part"),
    [
        ({}, Account(KEY, []), f"cluster.secretsKeyArn is not set\n    allowed: {KEY}, which encrypts"),
        ({"secretsKeyArn": OTHER}, Account(KEY, []), f"allowed: {KEY}, which encrypts the cluster"),
        ({"secretsKey": {}}, Account(KEY, []), f"allowed: {KEY}, which encrypts the cluster"),
        ({}, Account(KEY, OWN_TAGS), "cluster.secretsKey is not set\n    allowed: the key that this stack"),
        ({"secretsKeyArn": KEY}, Account(KEY, OWN_TAGS), "it would be deleted, and the cluster be lost"),
    ],
    ids=["given, removed", "given, another", "given, made instead", "made, removed", "made, given instead"],
)
def test_encryption_is_never_taken_away_or_changed(keys: dict[str, Any], account: Account, part: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded(keys, account)

    assert part in str(refused.value)
