"""The contents of a stack's state file in Pulumi's deployment format (version 3)."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.engine.errors import StateError, UserError
from lab.engine.state.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.engine.state.encryption import Crypter

_VERSION = "3.272.0"


@dataclass(frozen=True)
class Pending:
    """An operation that started and whose result is unknown."""

    kind: str
    resource: Resource


@dataclass
class Deployment:
    resources: list[Resource] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)

    def stack_outputs(self) -> dict[str, Any]:
        for resource in self.resources:
            if resource.type == "pulumi:pulumi:Stack" and not resource.delete:
                return resource.outputs
        return {}


def check_integrity(resources: Iterable[Resource]) -> None:
    """Refuse a list in which a resource comes before another one that it needs."""
    seen: set[str] = set()
    live: set[str] = set()
    for resource in resources:
        for urn in sorted(resource.needs() - seen):
            msg = f"{resource.urn} needs {urn}, which must come before it in the state"
            raise StateError(msg)
        if not resource.delete and resource.urn in live:
            msg = f"{resource.urn} is in the state twice"
            raise StateError(msg)
        if not resource.delete:
            live.add(resource.urn)
        seen.add(resource.urn)


def secrets_salt(document: dict[str, Any]) -> str | None:
    """The salt of the passphrase that encrypted a deployment."""
    provider = document.get("secrets_providers") or {}
    if not provider:
        return None
    if provider.get("type") != "passphrase":
        msg = f"the state's secrets are encrypted by '{provider.get('type')}', not by a passphrase"
        raise UserError(msg)
    salt = provider["state"]["salt"]
    return str(salt)


def read_deployment(document: dict[str, Any], crypter: Crypter | None) -> Deployment:

    def decrypt(text: str) -> str:
        if crypter is None:
            msg = "the state holds secrets: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
            raise UserError(msg)
        return crypter.decrypt(text)

    resources = [Resource.from_json(written, decrypt) for written in document.get("resources") or []]
    pending = [
        Pending(str(written["type"]), Resource.from_json(written["resource"], decrypt))
        for written in document.get("pending_operations") or []
    ]
    check_integrity(resources)
    return Deployment(resources, pending)


def write_deployment(deployment: Deployment, crypter: Crypter) -> dict[str, Any]:
    document = document_head(crypter)
    document["resources"] = [resource.to_json(crypter.encrypt) for resource in deployment.resources]
    document["pending_operations"] = [
        {"resource": entry.resource.to_json(crypter.encrypt), "type": entry.kind}
        for entry in deployment.pending
    ]
    return document


def document_head(crypter: Crypter) -> dict[str, Any]:
    return {
        "manifest": {
            "time": datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z"),
            "magic": hashlib.sha256(_VERSION.encode()).hexdigest(),
            "version": _VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt}},
        "metadata": {},
    }
