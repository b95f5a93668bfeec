"""What the cloud relies on inside moto, checked when it starts.

moto promises its API to callers of AWS, not its insides. The version is pinned, and every inner name that the
modules of this directory use is looked up here, so that another moto fails at once and by name.
"""

from __future__ import annotations

import importlib
import importlib.metadata

PINNED = "5.2.5"
# Modules and the names in them (dots lead into classes) that the door, the identities and the server use.
NAMES = {
    "moto.iam.models": ("iam_backends", "IAMBackend.list_users", "IAMBackend.create_user", "AccessKey"),
    "moto.sts.models": (
        "sts_backends",
        "STSBackend.get_assumed_role_from_access_key",
        "AssumedRole.arn",
        "AssumedRole.user_id",
    ),
    "moto.core": ("DEFAULT_ACCOUNT_ID",),
    "moto.moto_server.werkzeug_app": (
        "DomainDispatcherApplication",
        "MotoRequestHandler",
        "create_backend_app",
    ),
}


class MotoContractError(Exception):
    """The installed moto is not the one this cloud was written for."""


def check(names: dict[str, tuple[str, ...]] = NAMES, pinned: str = PINNED) -> None:
    """Raise when moto's version or any name relied on is another."""
    found = importlib.metadata.version("moto")
    if found != pinned:
        message = f"the cloud extends moto {pinned}, but {found} is installed"
        raise MotoContractError(message)
    missing = [
        f"{module}.{name}"
        for module, wanted in names.items()
        for name in wanted
        if not _exists(importlib.import_module(module), name)
    ]
    if missing:
        message = f"moto {found} lacks {', '.join(missing)}"
        raise MotoContractError(message)


def _exists(thing: object, name: str) -> bool:
    for part in name.split("."):
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True
