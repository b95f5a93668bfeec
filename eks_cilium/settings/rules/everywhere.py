"""Rules about what every mode has: the AWS accounts of the stack, and the tags of its resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import Settings

_LONGEST_TAG_KEY, _LONGEST_TAG_VALUE = 128, 256


def accounts_are_allowed_or_forbidden(settings: Settings) -> Iterator[Problem]:
    # The AWS provider refuses both (hashicorp/terraform-provider-aws, internal/provider/sdkv2/provider.go,
    # ConflictsWith of allowed_account_ids and forbidden_account_ids).
    if settings.allowed_account_ids and settings.forbidden_account_ids:
        path = ("aws:forbiddenAccountIds",)
        allowed = "nothing beside aws:allowedAccountIds, which forbids every other account already"
        yield Problem(path, list(settings.forbidden_account_ids), allowed, remove_command(path))


def tags_are_possible(settings: Settings) -> Iterator[Problem]:
    for key, value in settings.tags.items():
        path = ("tags", key)
        if key.lower().startswith("aws:") or not 1 <= len(key) <= _LONGEST_TAG_KEY:
            yield Problem(
                path, value, "a key of 1 to 128 characters without aws: before it", remove_command(path)
            )
        elif key in ("Name", "eks-cilium/cluster"):
            yield Problem(
                path, value, "any other key: this program sets that tag itself", remove_command(path)
            )
        elif len(value) > _LONGEST_TAG_VALUE:
            yield Problem(path, value, "a value of up to 256 characters", set_fix(path, "..."))


RULES = (accounts_are_allowed_or_forbidden, tags_are_possible)
