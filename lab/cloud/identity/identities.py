"""The IAM users and assumed roles behind access keys, with their secrets.

The middleware (`requests.middleware`) uses them to verify signatures, the token webhook (`identity.tokens`)
to verify the presigned URLs of EKS tokens. The keys are stored in moto.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

PARTITION = "aws"


@dataclass(frozen=True)
class Identity:
    """A caller. `arn` is what STS returns; `principal` is the IAM user or role that access entries name."""

    arn: str
    principal: str
    user_id: str
    session: str = ""


@dataclass(frozen=True)
class Credentials:
    """An access key with its secret and its identity."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    identity: Identity
    expired: bool = False
    """Whether its session has ended: AWS refuses its calls, and clusters its tokens."""


class Identities:
    """The access keys of one account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._expired: set[str] = set()

    def expire(self, access_key_id: str) -> None:
        """End the session of an access key before its time.

        Raises:
            LookupError: no session has this key; the keys of users do not expire.
        """
        if self._session(access_key_id) is None:
            message = f"no session has the access key {access_key_id}"
            raise LookupError(message)
        self._expired.add(access_key_id)

    def find(self, access_key_id: str) -> Credentials | None:
        """Return the credentials of an access key id, or None for an unknown one."""
        return self._user(access_key_id) or self._session(access_key_id)

    def _user(self, access_key_id: str) -> Credentials | None:
        for user in iam_backends[self.account][PARTITION].list_users("/", None, None):
            for key in user.access_keys:
                if key.access_key_id == access_key_id and key.status == "Active":
                    identity = Identity(arn=user.arn, principal=user.arn, user_id=user.id)
                    return Credentials(access_key_id, key.secret_access_key, None, identity)
        return None

    def _session(self, access_key_id: str) -> Credentials | None:
        role = sts_backends[self.account][PARTITION].get_assumed_role_from_access_key(access_key_id)
        if role is None:
            return None
        identity = Identity(
            arn=role.arn, principal=role.role_arn, user_id=role.user_id, session=role.session_name
        )
        expired = access_key_id in self._expired
        return Credentials(access_key_id, role.secret_access_key, role.session_token, identity, expired)
