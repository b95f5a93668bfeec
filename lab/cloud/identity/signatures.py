"""AWS Signature Version 4, on the verifying side.

The secret is never sent. What the caller signed is rebuilt from the request and signed again with the stored
secret. `requests.middleware` verifies requests with it, `identity.tokens` the presigned URLs that are EKS
tokens. The algorithm is published by AWS; botocore implements the signing side only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_BODY = hashlib.sha256(b"").hexdigest()
_HEADER = re.compile(
    rf"{ALGORITHM} Credential=(?P<credential>[^,]+), *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>\w+)"
)


class UnsignedError(ValueError):
    """The request has no signature that AWS accepts."""


@dataclass(frozen=True)
class Claim:
    """What a request states about its signature: access key, date, region and service."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, credential: str, signed_headers: str, signature: str) -> Claim:
        """Parse the three parts that every signed request has."""
        parts = credential.split("/")
        if len(parts) != 5 or parts[4] != "aws4_request":
            message = "the credential scope is not KEY/DATE/REGION/SERVICE/aws4_request"
            raise UnsignedError(message)
        key, date, region, service, _ = parts
        return cls(key, date, region, service, tuple(signed_headers.split(";")), signature)

    @classmethod
    def from_header(cls, authorization: str) -> Claim:
        """Parse an Authorization header into a claim."""
        match = _HEADER.fullmatch(authorization.strip())
        if match is None:
            message = "the Authorization header is no AWS4-HMAC-SHA256 signature"
            raise UnsignedError(message)
        return cls.parse(match["credential"], match["headers"], match["signature"])


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that its signature covers. `path` and `query` are as sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body_hash: str
    timestamp: str


def matches(claim: Claim, secret: str, request: SignedRequest) -> bool:
    """Return whether this secret gives this request the claimed signature."""
    canonical = "\n".join(
        [
            request.method,
            _canonical_path(request.path, claim.service),
            _canonical_query(request.query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in claim.signed_headers),
            "",
            ";".join(claim.signed_headers),
            request.body_hash,
        ]
    )
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, request.timestamp, scope, digest])
    expected = hmac.new(_signing_key(claim, secret), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, claim.signature)


def _signing_key(claim: Claim, secret: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical_path(path: str, service: str) -> str:
    """Return the path as signed: S3 signs it as it is, every other service encodes it once more."""
    return (path or "/") if service == "s3" else quote(path or "/", safe="/~")


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join(f"{key}={value}" for key, _, value in sorted(pairs) if key != "X-Amz-Signature")
