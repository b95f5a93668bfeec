"""Authentication of a cluster's users: EKS's side of `aws eks get-token`.

A token is a presigned `sts:GetCallerIdentity` URL. A cluster's API server sends it to this webhook (`POST
/lab/authenticate/<cluster>`), which verifies the signature with the stored secret and the cluster's own name,
then maps the caller to a Kubernetes user through the cluster's access entries. The URL names the header
`x-k8s-aws-id` without its value, so that a token for another cluster does not verify.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from lab.cloud.identity import signatures
from lab.cloud.identity.signatures import Claim, SignedRequest, UnsignedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.identity.identities import Credentials, Identity

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
CLOCK_SKEW = 300.0


class RefusedTokenError(Exception):
    """The token does not authenticate its bearer to this cluster; the reason is for the lab's log only."""


@dataclass(frozen=True)
class KubernetesUser:
    """The Kubernetes user that a caller is in a cluster."""

    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class TokenReviewer:
    """Answers token reviews.

    `find_credentials` looks up an access key. `map_user` maps a caller to a user of a cluster, or to None
    when the cluster does not exist or does not know the caller. `life` is the lifetime of a token in seconds.
    """

    find_credentials: Callable[[str], Credentials | None]
    map_user: Callable[[str, Identity], KubernetesUser | None]
    life: float
    now: Callable[[], float]

    def review(self, cluster: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a TokenReview of `authentication.k8s.io/v1` from a cluster's API server."""
        try:
            identity = self.identity(cluster, request.get("spec", {}).get("token", ""))
            status = self._status(cluster, identity)
        except RefusedTokenError as refusal:
            status = {"authenticated": False, "error": str(refusal)}
        version = request.get("apiVersion", "authentication.k8s.io/v1")
        return {"apiVersion": version, "kind": "TokenReview", "status": status}

    def identity(self, cluster: str, token: str) -> Identity:
        """Return the identity behind a token that is valid for the cluster.

        Raises:
            RefusedTokenError: the token is malformed, forged, expired or for another cluster.
        """
        url = _decode(token)
        parameters = {key: values[0] for key, values in parse_qs(url.query).items()}
        claim = _claim(parameters)
        credentials = self.find_credentials(claim.access_key_id)
        if credentials is None or credentials.session_token != parameters.get("X-Amz-Security-Token"):
            message = "the access key of the token is unknown"
            raise RefusedTokenError(message)
        if credentials.expired:
            message = "the session that signed the token has expired"
            raise RefusedTokenError(message)
        self._check_life(parameters["X-Amz-Date"])
        headers = {"host": url.netloc, CLUSTER_HEADER: cluster}
        request = SignedRequest(
            method="GET",
            path=url.path or "/",
            query=url.query,
            headers=headers,
            body_hash=signatures.EMPTY_BODY,
            timestamp=parameters["X-Amz-Date"],
        )
        if not signatures.matches(claim, credentials.secret_access_key, request):
            message = f"the signature of the token does not verify for cluster {cluster}"
            raise RefusedTokenError(message)
        return credentials.identity

    def _check_life(self, date: str) -> None:
        try:
            age = self.now() - calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            message = "the date of the token is malformed"
            raise RefusedTokenError(message) from None
        if not -CLOCK_SKEW <= age <= self.life:
            message = f"the token is {age:.0f} s old; it lives {self.life:.0f} s"
            raise RefusedTokenError(message)

    def _status(self, cluster: str, identity: Identity) -> dict[str, Any]:
        user = self.map_user(cluster, identity)
        if user is None:
            message = f"{identity.arn} has no access entry in cluster {cluster}"
            raise RefusedTokenError(message)
        extra = {
            "arn": [identity.arn],
            "canonicalArn": [identity.principal],
            "principalId": [identity.user_id.split(":")[0]],
            "sessionName": [identity.session],
        }
        known = {
            "username": user.name,
            "uid": f"aws-iam-authenticator:{identity.principal}",
            "groups": list(user.groups),
            "extra": extra,
        }
        return {"authenticated": True, "user": known}


def _decode(token: str) -> Any:
    if not token.startswith(PREFIX):
        message = f"the token does not begin with {PREFIX}"
        raise RefusedTokenError(message)
    encoded = token.removeprefix(PREFIX)
    try:
        url = urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    except (ValueError, binascii.Error):
        message = "the token contains no URL"
        raise RefusedTokenError(message) from None
    if parse_qs(url.query).get("Action") != ["GetCallerIdentity"]:
        message = "the token is not a presigned GetCallerIdentity request"
        raise RefusedTokenError(message)
    return url


def _claim(parameters: dict[str, str]) -> Claim:
    try:
        credential, date = parameters["X-Amz-Credential"], parameters["X-Amz-Date"]
        claim = Claim.parse(credential, parameters["X-Amz-SignedHeaders"], parameters["X-Amz-Signature"])
    except (KeyError, UnsignedError):
        message = "the URL in the token is not signed"
        raise RefusedTokenError(message) from None
    if (
        CLUSTER_HEADER not in claim.signed_headers
        or not date.startswith(claim.date)
        or claim.service != "sts"
    ):
        message = f"the token does not sign {CLUSTER_HEADER} for sts"
        raise RefusedTokenError(message)
    return claim
