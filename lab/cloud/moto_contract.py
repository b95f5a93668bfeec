"""The inner names of moto that the cloud relies on, checked at start.

moto guarantees only the API of AWS, not its own modules. Its version is pinned, and each inner name that the
cloud uses is looked up here, so that another version of moto fails at once, with the missing name.
"""

from __future__ import annotations

import importlib
import importlib.metadata

PINNED = "5.2.5"
# Modules and the names in them (dots lead into classes) that the middleware, the identities and the server
# use.
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
    """The installed moto is not the version that the cloud was written for."""


def check(names: dict[str, tuple[str, ...]] = NAMES, pinned: str = PINNED) -> None:
    """Raise MotoContractError when moto's version or a required name differs."""
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


def _exists(value: object, name: str) -> bool:
    for part in name.split("."):
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True
