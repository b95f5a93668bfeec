"""Keys that are the same in every mode."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from eks_cilium.settings.model.fields import Part, option

MODES = "new-cluster, chaining, replacement or mesh"


def _number_as_text(value: Any) -> Any:
    # `pulumi config set --path 'aws:allowedAccountIds[0]' 111122223333` stores a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_ACCOUNT_ID = r"^\d{12}$"
AccountId = Annotated[
    str,
    BeforeValidator(_number_as_text),
    Field(pattern=_ACCOUNT_ID),
    WithJsonSchema({"type": ["string", "integer"], "pattern": _ACCOUNT_ID, "minimum": 10**11}),
]
"""The id of an AWS account."""


class Settings(Part):
    """The whole configuration of a stack."""

    title: ClassVar[str] = ""
    """Heading of the model in docs/configuration.md, where it is not that of its mode."""

    mode: str
    region: str = option(
        alias="aws:region",
        says="AWS region.",
        allowed="an AWS region such as eu-central-1",
        example="eu-central-1",
        pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$",  # eusc-de-east-1 as well
    )
    profile: str | None = option(
        None,
        alias="aws:profile",
        says="AWS profile for everything this program does; the environment's credentials when unset.",
        allowed="the name of an AWS profile",
        example="platform-dev",
        min_length=1,
    )
    allowed_account_ids: tuple[AccountId, ...] = option(
        (),
        alias="aws:allowedAccountIds",
        says="AWS accounts in which this stack may work, its clusters in a mesh included; any when unset.",
        allowed="a list of account ids of 12 digits, in quotes; not together with aws:forbiddenAccountIds",
        example=["111122223333"],
    )
    forbidden_account_ids: tuple[AccountId, ...] = option(
        (),
        alias="aws:forbiddenAccountIds",
        says="AWS accounts in which this stack may not work.",
        allowed="a list of account ids of 12 digits, in quotes; not together with aws:allowedAccountIds",
        example=["444455556666"],
    )
    tags: dict[str, str] = option(
        default_factory=dict,
        says="Tags for every AWS resource that takes tags.",
        allowed="an object of up to 40 tags whose keys do not begin with aws:",
        example={"team": "platform"},
        max_length=40,
    )

    def may_use(self, account: str) -> bool:
        """Whether the stack may work in an AWS account."""
        allowed = not self.allowed_account_ids or account in self.allowed_account_ids
        return allowed and account not in self.forbidden_account_ids

    @property
    def accounts(self) -> dict[str, list[str]]:
        """The lists of accounts that are set, for resources that use AWS without a provider of Pulumi."""
        lists = {"allowed": self.allowed_account_ids, "forbidden": self.forbidden_account_ids}
        return {key: list(ids) for key, ids in lists.items() if ids}

    @property
    def guards_accounts(self) -> bool:
        """Whether `may_use` is false for any account."""
        return bool(self.accounts)
