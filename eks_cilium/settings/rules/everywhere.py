"""Rules about what every mode has: the AWS accounts of the stack, and the tags of its resources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import Settings

_LONGEST_TAG_KEY, _LONGEST_TAG_VALUE = 128, 256
# IAM takes the fewest characters of the services here: docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html.
_TAG_TEXT = re.compile(r"^[\w\s.:/=+@-]*$")


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
        elif _makes_roles(settings) and not (_TAG_TEXT.match(key) and _TAG_TEXT.match(value)):
            allowed = "letters, numbers, spaces and _ . : / = + - @, in key and value: IAM takes no others"
            yield Problem(path, value, allowed, remove_command(path))


def _makes_roles(settings: Settings) -> bool:
    return hasattr(settings, "iam")


def tags_are_told_apart(settings: Settings) -> Iterator[Problem]:
    # "You cannot have separate Department and department tag keys" on a role (the same page).
    seen: dict[str, str] = {}
    for key, value in settings.tags.items():
        other = seen.setdefault(key.lower(), key)
        if other != key and _makes_roles(settings):
            path = ("tags", key)
            allowed = f"a key that differs from {other} in more than upper case, for IAM"
            yield Problem(path, value, allowed, remove_command(path))


RULES = (accounts_are_allowed_or_forbidden, tags_are_possible, tags_are_told_apart)
