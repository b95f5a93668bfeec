"""Encryption of secrets with a passphrase, compatible with the Pulumi CLI in both directions.

A key is derived from the passphrase and a salt with PBKDF2-HMAC-SHA256 (1,000,000 rounds). A value is
AES-256-GCM ciphertext written `v1:nonce:ciphertext` in base64. The stored salt includes an encrypted known
word, which shows whether a passphrase is right.
"""

from __future__ import annotations

import base64
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from lab.engine.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUNDS = 1_000_000
_PROOF = "pulumi"


def passphrase_from(environment: Mapping[str, str]) -> str | None:
    """The passphrase from the environment or from the file it names; an empty passphrase is valid."""
    if "PULUMI_CONFIG_PASSPHRASE" in environment:
        return environment["PULUMI_CONFIG_PASSPHRASE"]
    path = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        msg = f"cannot read PULUMI_CONFIG_PASSPHRASE_FILE: {error}"
        raise UserError(msg) from error


class Crypter:
    """Encrypts and decrypts strings; equal plain texts keep their first ciphertext, so files stay stable."""

    def __init__(self, key: bytes, salt: str) -> None:
        self._cipher = AESGCM(key)
        self.salt = salt
        self._known: dict[str, str] = {}

    @classmethod
    def create(cls, passphrase: str) -> Crypter:
        salt = os.urandom(8)
        crypter = cls(_key(passphrase, salt), "")
        crypter.salt = f"v1:{base64.b64encode(salt).decode()}:{crypter.encrypt(_PROOF)}"
        return crypter

    @classmethod
    def unlock(cls, passphrase: str, salt: str) -> Crypter:
        """The crypter for an existing salt; a wrong passphrase raises UserError."""
        version, _, rest = salt.partition(":")
        encoded, _, proof = rest.partition(":")
        if version != "v1" or not proof:
            msg = "the stack's encryptionsalt is not of the form v1:SALT:PROOF"
            raise UserError(msg)
        crypter = cls(_key(passphrase, base64.b64decode(encoded)), salt)
        try:
            crypter.decrypt(proof)
        except UserError:
            msg = "incorrect passphrase (PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE)"
            raise UserError(msg) from None
        return crypter

    def encrypt(self, plain: str) -> str:
        if plain not in self._known:
            nonce = os.urandom(12)
            sealed = self._cipher.encrypt(nonce, plain.encode(), None)
            self._known[plain] = f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"
        return self._known[plain]

    def decrypt(self, text: str) -> str:
        try:
            version, nonce, sealed = text.split(":")
            plain = self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except (ValueError, InvalidTag):
            msg = "a secret cannot be decrypted: it was encrypted with another passphrase or salt"
            raise UserError(msg) from None
        if version != "v1":
            msg = f"a secret is encrypted in an unknown version {version}"
            raise UserError(msg)
        self._known[plain] = text
        return plain


@functools.lru_cache(maxsize=8)
def _key(passphrase: str, salt: bytes) -> bytes:
    kdf = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=_ROUNDS)
    return kdf.derive(passphrase.encode())
