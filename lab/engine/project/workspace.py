"""A project, its stacks and their secrets on this machine; every command starts by opening one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab.engine.errors import StackNotFoundError, UserError
from lab.engine.project.files import Configuration, Project, StackConfig, configuration
from lab.engine.state import encryption, values
from lab.engine.state.deployment import Deployment, read_deployment, secrets_salt, write_deployment
from lab.engine.state.encryption import Crypter
from lab.engine.state.snapshot import Snapshot
from lab.engine.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Workspace:
    """The stacks of a project; `config_file` replaces the stack's file in the project."""

    def __init__(
        self, program: Path, state: Path, environment: Mapping[str, str], config_file: Path | None = None
    ) -> None:
        self._config_file = config_file
        self.project = Project.load(program.resolve())
        self.store = Store(state.resolve(), self.project.name)
        self.environment = environment
        self._state = state.resolve()

    def stack(self, named: str | None) -> str:
        """The stack to operate on: the given one, that of PULUMI_STACK, or the selected one."""
        name = named or self.environment.get("PULUMI_STACK") or self.store.selected()
        if not name:
            msg = (
                "no stack selected; please use `stack select` or `stack init` to choose one, or pass --stack"
            )
            raise StackNotFoundError(msg)
        name = name.rpartition("/")[2]
        if not self.store.exists(name):
            msg = f"no stack named '{name}' found"
            raise StackNotFoundError(msg)
        return name

    def init(self, name: str) -> None:
        """Create a stack. Its salt is that of its configuration file, or a new one stored with the state."""
        name = name.rpartition("/")[2]
        config = StackConfig.load(self.project.stack_file(name))
        if self.store.exists(name):
            msg = f"stack '{name}' already exists"
            raise UserError(msg)
        crypter = self._unlocked(config.salt) or Crypter.create(self._passphrase())
        self.store.write(name, write_deployment(Deployment(), crypter))
        self.store.select(name)

    def config(self, stack: str) -> StackConfig:
        return StackConfig.load(self._config_file or self.project.stack_file(stack))

    def crypter(self, stack: str) -> Crypter:
        """The encryption of a stack's secrets, by the salt of its configuration file or else of its state."""
        salt = self.config(stack).salt or secrets_salt(self.store.read(stack))
        return self._unlocked(salt) or Crypter.create(self._passphrase())

    def configuration(self, stack: str) -> Configuration:
        config = self.config(stack)
        return configuration(self.project, config.values, self._unlocked(config.salt))

    def deployment(self, stack: str) -> Deployment:
        return self._deployment(self.store, stack)

    def _deployment(self, store: Store, stack: str) -> Deployment:
        document = store.read(stack)
        return read_deployment(document, self._unlocked(secrets_salt(document)))

    def snapshot(self, stack: str, deployment: Deployment) -> Snapshot:
        return Snapshot(deployment, self.crypter(stack), self.store, stack)

    def export(self, stack: str, *, show_secrets: bool) -> str:
        """A stack's state in the format that `stack import` reads."""
        document: object = self.store.read(stack)
        if show_secrets:
            document = _in_plain_text(document, self._unlocked(secrets_salt(self.store.read(stack))))
        return json.dumps({"version": 3, "deployment": document}, indent=4, ensure_ascii=False)

    def import_(self, stack: str, text: str) -> None:
        """Replace a stack's state by an exported one; its secrets are encrypted with this stack's key."""
        try:
            exported = json.loads(text)
            document = exported["deployment"]
        except (ValueError, KeyError, TypeError) as error:
            msg = "not an exported stack: expected JSON with `version` and `deployment`"
            raise UserError(msg) from error
        if exported.get("version") != 3:
            msg = f"the exported stack has format {exported.get('version')}, not 3"
            raise UserError(msg)
        deployment = read_deployment(document, self._unlocked(secrets_salt(document)))
        foreign = [r.urn for r in deployment.resources if not r.urn.startswith(f"urn:pulumi:{stack}::")]
        if foreign:
            msg = f"resource '{foreign[0]}' belongs to another stack"
            raise UserError(msg)
        self.store.write(stack, write_deployment(deployment, self.crypter(stack)))

    def stack_outputs(self, name: str) -> values.Properties:
        """The outputs of any stack in this state directory, for stack references."""
        *_, project, stack = ["", self.project.name, *name.split("/")] if "/" not in name else name.split("/")
        store = Store(self._state, project)
        if not store.exists(stack):
            msg = f"unknown stack '{name}'"
            raise StackNotFoundError(msg)
        return self._deployment(store, stack).stack_outputs()

    def _passphrase(self) -> str:
        phrase = encryption.passphrase_from(self.environment)
        if phrase is None:
            msg = "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
            raise UserError(msg)
        return phrase

    def _unlocked(self, salt: str | None) -> Crypter | None:
        return Crypter.unlock(self._passphrase(), salt) if salt else None


def _in_plain_text(value: object, crypter: Crypter | None) -> object:
    if isinstance(value, dict):
        if values.is_secret(value) and "ciphertext" in value and crypter:
            return {values.SIGNATURE: values.SECRET, "plaintext": crypter.decrypt(value["ciphertext"])}
        return {key: _in_plain_text(item, crypter) for key, item in value.items()}
    return [_in_plain_text(item, crypter) for item in value] if isinstance(value, list) else value
