"""The IAM identity behind credentials.

`stacks.accounts` asks, to refuse accounts in which a stack must not work, and to find out who will be able to
use a new cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.clients.aws import client
from eks_cilium.errors import UserError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.clients.aws import ClientOf, Credentials


@dataclass(frozen=True)
class Caller:
    """Who sends requests with certain credentials."""

    account: str
    arn: str
    """As STS says it: of an IAM user, or of the session of a role."""

    def is_principal(self, arn: str) -> bool:
        """Whether an ARN of IAM is that of the caller, or of the role whose session the caller is.

        The ARN of a session has no path, but names of roles are unique in an account whatever their path
        (docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
        """
        if arn == self.arn:
            return True
        kind, _, rest = self.arn.rpartition(":")[2].partition("/")
        _, _, _, _, account, resource = arn.split(":", 5)
        return (
            kind == "assumed-role"
            and account == self.account
            and resource.startswith("role/")
            and resource.rpartition("/")[2] == rest.partition("/")[0]
        )


class ForeignAccountError(UserError):
    """The credentials belong to an AWS account in which the stack must not work."""

    topic: Topic | None = Topic.WRONG_ACCOUNT


def check_account(accounts: Mapping[str, Sequence[str]], found: Caller) -> None:
    """Raise ForeignAccountError where `accounts` (`allowed`, `forbidden`) keep the caller out."""
    allowed = accounts.get("allowed") or [found.account]
    if found.account not in allowed or found.account in (accounts.get("forbidden") or ()):
        raise ForeignAccountError(
            f"{found.arn} is of AWS account {found.account}, in which this stack must not work: see "
            "aws:allowedAccountIds and aws:forbiddenAccountIds. Nothing was done; use other credentials"
        )


def caller(credentials: Credentials, aws: ClientOf = client) -> Caller:
    """Ask STS, which answers any valid credentials; no permission is needed.

    Args:
        credentials: Whose identity to ask for.
        aws: Makes a client of a service.

    Raises:
        AwsSetupError: there are no credentials, or they are refused.
        AwsUnavailableError: STS did not answer.
    """
    answer = aws(credentials, "sts").get_caller_identity()
    return Caller(account=answer["Account"], arn=answer["Arn"])
