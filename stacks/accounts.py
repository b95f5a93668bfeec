"""Keeps a stack in its AWS accounts: `aws:allowedAccountIds` and `aws:forbiddenAccountIds`.

`__main__` asks before a program begins, since a program reads clusters and its own resources change them
without any provider of Pulumi. The providers, which `aws_provider` registers for every program, refuse as
well: they also guard `pulumi destroy`, which runs no program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.runtime.identity import caller
from eks_cilium.settings.model import MeshSettings
from eks_cilium.settings.problems import UNSET, Problem, set_fix
from eks_cilium.troubleshooting import Topic, linked

if TYPE_CHECKING:
    import pulumi_aws as aws

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.runtime.identity import Caller
    from eks_cilium.settings.model import Settings

    KeyPath = tuple[str | int, ...]

STACK_PROFILE: KeyPath = ("aws:profile",)


def refuse_foreign_accounts(settings: Settings, aws_client: ClientOf = client) -> None:
    """Raise RunError where credentials that the stack would use are those of an account it may not use."""
    if not settings.guards_accounts:
        return
    wrong = {
        str(problem)
        for path, credentials in _credentials(settings).items()
        if (problem := _problem(settings, path, credentials, caller_of(credentials, aws_client))) is not None
    }
    if wrong:
        raise pulumi.RunError(
            linked("wrong AWS account:\n  " + "\n  ".join(sorted(wrong)), Topic.WRONG_ACCOUNT)
        )


def caller_of(credentials: Credentials, aws_client: ClientOf) -> Caller:
    """Who the credentials belong to; RunError where STS cannot say."""
    try:
        return caller(credentials, aws_client)
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"the AWS account could not be read: {error}") from None


def aws_provider(
    name: str, settings: Settings, *, region: str | None = None, profile: str | None = None
) -> aws.Provider:
    """Register a provider that refuses the accounts which the stack may not use.

    Args:
        name: Name of the resource.
        settings: The configuration of the stack.
        region: Its AWS region; that of the stack where None.
        profile: Its AWS profile; that of the stack where None.
    """
    # Imported late: it takes a second, and `__main__` needs the rest of this module before.
    import pulumi_aws as aws  # noqa: PLC0415

    return aws.Provider(
        name,
        region=region or settings.region,
        profile=profile or settings.profile,
        allowed_account_ids=list(settings.allowed_account_ids) or None,
        forbidden_account_ids=list(settings.forbidden_account_ids) or None,
    )


def _credentials(settings: Settings) -> dict[KeyPath, Credentials]:
    """The credentials that the stack uses, by the key that names their profile."""
    found: dict[KeyPath, Credentials] = {
        STACK_PROFILE: Credentials(region=settings.region, profile=settings.profile)
    }
    if isinstance(settings, MeshSettings):
        own: dict[KeyPath, Credentials] = {
            ("clusters", name, "profile"): Credentials(wanted.region or settings.region, wanted.profile)
            for name, wanted in settings.clusters.items()
            if wanted.profile
        }
        # The profile of the stack is used only by clusters without a profile of their own.
        return own if len(own) == len(settings.clusters) else {**found, **own}
    return found


def _problem(settings: Settings, path: KeyPath, credentials: Credentials, found: Caller) -> Problem | None:
    if settings.may_use(found.account):
        return None
    accounts = ", ".join(settings.allowed_account_ids)
    wanted = f"credentials of account {accounts}" if accounts else "credentials of another account"
    allowed = f"{wanted}; these are of account {found.account}, {found.arn}"
    return Problem(path, credentials.profile or UNSET, allowed, set_fix(path, "..."))
