"""The KMS key of the control plane's logs: what CloudWatch Logs would refuse is refused in the preview."""

import json
from typing import Any

import pulumi
import pytest

from eks_cilium.errors import AwsAnswer, AwsRefusedError
from stacks import new_cluster
from tests.program.components.recording import Recorder, WithoutKey, record
from tests.program.components.test_new_cluster_resources import SETTINGS, settings_of

pytestmark = pytest.mark.simulation

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = {"keyState": "Enabled", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT"}


def allowing(principal: Any, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Principal": principal, "Action": "kms:*", "Resource": "*"}]}


ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
LOGS = allowing({"Service": ["delivery.logs.amazonaws.com", "logs.eu-central-1.amazonaws.com"]})


class Kms(WithoutKey):
    """boto3's client of KMS, with the policy of a key; None where it may not be read."""

    def __init__(self, policy: dict[str, Any] | None) -> None:
        super().__init__()
        self._policy = policy

    def get_key_policy(self, *, KeyId: str, PolicyName: str) -> dict[str, str]:  # noqa: N803 - AWS's
        assert (KeyId, PolicyName) == (ARN, "default")
        if self._policy is None:
            raise AwsRefusedError("denied", AwsAnswer("kms:GetKeyPolicy", "AccessDeniedException", "no"))
        return {"Policy": json.dumps(self._policy)}


def recorded(policy: dict[str, Any] | None = LOGS, key: Any = None) -> Recorder:
    settings = settings_of({"cluster": {**SETTINGS["cluster"], "logsKeyArn": ARN}})
    return record(
        lambda: new_cluster.run(settings, aws_client=lambda *_: Kms(policy)),
        {"getKey": KEY if key is None else key},
    )


@pytest.mark.parametrize("policy", [LOGS, None], ids=["allowed", "of another account"])
def test_the_log_group_has_the_key(policy: dict[str, Any] | None) -> None:
    assert recorded(policy).only("LogGroup").inputs["kmsKeyId"] == ARN


def test_without_a_key_the_group_stays_as_it_was() -> None:
    stack = record(lambda: new_cluster.run(settings_of(), aws_client=lambda *_: WithoutKey()))

    assert "kmsKeyId" not in stack.only("LogGroup").inputs


@pytest.mark.parametrize(
    "policy",
    [
        allowing(ROOT),
        allowing({"Service": "logs.eu-west-1.amazonaws.com"}),
        allowing({"Service": "logs.eu-central-1.amazonaws.com"}, "Deny"),
    ],
    ids=["the account alone", "another region", "denied"],
)
def test_a_policy_that_does_not_allow_the_logs_is_refused_with_the_statement_it_needs(policy: Any) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        recorded(policy)

    message = str(refused.value)
    assert "eks-cilium:cluster.logsKeyArn" in message
    statement = json.loads(message[message.index("{") : message.rindex("}") + 1])
    assert statement["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"] == (
        "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/eks/dev/cluster"
    )


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ({**KEY, "keyState": "PendingDeletion"}, "an enabled symmetric key"),
        ({**KEY, "customerMasterKeySpec": "RSA_2048"}, "an enabled symmetric key"),
        (RuntimeError("no such key"), "a key that this identity can read"),
    ],
    ids=["deleted", "asymmetric", "missing"],
)
def test_a_key_that_cloudwatch_does_not_take_is_refused(key: Any, says: str) -> None:
    with pytest.raises(pulumi.RunError, match=says):
        recorded(key=key)
