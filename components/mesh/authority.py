"""The certificate authority of a mesh, and the certificates it signs for each cluster.

All keys are resources of the stack and secret in its state; the authority's never reaches a cluster.
Authorities are numbered, so that a second one can be trusted before it signs: docs/mesh.md has the rotation.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_tls as tls

from components.naming import token
from eks_cilium.cilium.mesh import KeyPair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.mesh import Certificate

_KEY = {"algorithm": "ECDSA", "ecdsa_curve": "P256"}
_SECRET = ["private_key_pem", "private_key_openssh", "private_key_pem_pkcs8"]
_AUTHORITY_HOURS = 10 * 365 * 24
_HOURS = 3 * 365 * 24
_RENEWED_HOURS_BEFORE = 60 * 24
"""Certificates are signed anew by the first `pulumi up` within their last two months."""

_USES = ["key_encipherment", "digital_signature", "server_auth", "client_auth"]
"""etcd's server is also a client of its own, with the same certificate."""


class MeshAuthorityArgs(TypedDict):
    """What a `MeshAuthority` is made from."""

    issuing: int
    trusted: Sequence[int]


class MeshAuthority(pulumi.ComponentResource):
    """The authorities of a mesh; one signs, all are trusted."""

    trusted: pulumi.Output[str]
    """The certificates of all, PEM."""

    def __init__(
        self, name: str, args: MeshAuthorityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("MeshAuthority"), name, {}, opts)
        made = {number: self._make(f"{name}-{number}") for number in sorted({*args["trusted"]})}
        self.key, self.certificate = made[args["issuing"]]
        self.trusted = pulumi.Output.all(*[made[number][1].cert_pem for number in sorted(made)]).apply(
            "".join
        )
        self.register_outputs({})

    def _make(self, name: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = private_key(name, self)
        certificate = tls.SelfSignedCert(
            name,
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=["cert_signing", "crl_signing", "digital_signature"],
            validity_period_hours=_AUTHORITY_HOURS,
            subject=tls.SelfSignedCertSubjectArgs(common_name=f"eks-cilium {name}"),
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["private_key_pem"]),
        )
        return key, certificate


class MemberCertificatesArgs(TypedDict):
    """What `MemberCertificates` are made from."""

    authority: MeshAuthority
    certificates: Mapping[str, Certificate]
    """By their names in the chart."""


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, PEM."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]


class MemberCertificates(pulumi.ComponentResource):
    """The certificates of one cluster."""

    signed: Mapping[str, Signed]
    trusted: pulumi.Output[str]
    """The authorities' certificates, PEM."""
    fingerprint: pulumi.Output[str]
    """Changes with any of them. No secret: it is made of certificates only."""

    def __init__(
        self, name: str, args: MemberCertificatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("MemberCertificates"), name, {}, opts)
        authority = args["authority"]
        self.trusted = authority.trusted
        self.signed = {
            kind: self._sign(f"{name}-{kind}", wanted, authority)
            for kind, wanted in args["certificates"].items()
        }
        texts = [self.signed[kind].certificate for kind in sorted(self.signed)]
        self.fingerprint = pulumi.Output.all(self.trusted, *texts).apply(_digest)
        self.register_outputs({"fingerprint": self.fingerprint})

    def key_pairs(self) -> dict[str, KeyPair]:
        """All of them as the chart's values take them."""
        return {kind: KeyPair(b64(one.certificate), b64(one.key)) for kind, one in self.signed.items()}

    def _sign(self, name: str, wanted: Certificate, authority: MeshAuthority) -> Signed:
        key = private_key(name, self)
        secret = pulumi.ResourceOptions(parent=self, additional_secret_outputs=["private_key_pem"])
        request = tls.CertRequest(
            name,
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=wanted.common_name),
            dns_names=list(wanted.dns_names) or None,
            ip_addresses=list(wanted.ip_addresses) or None,
            opts=secret,
        )
        certificate = tls.LocallySignedCert(
            name,
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=authority.key.private_key_pem,
            ca_cert_pem=authority.certificate.cert_pem,
            allowed_uses=_USES,
            validity_period_hours=_HOURS,
            early_renewal_hours=_RENEWED_HOURS_BEFORE,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["ca_private_key_pem"]),
        )
        return Signed(certificate.cert_pem, key.private_key_pem)


def private_key(name: str, parent: pulumi.Resource) -> tls.PrivateKey:
    """A key whose every form is secret."""
    opts = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=_SECRET)
    return tls.PrivateKey(name, algorithm=_KEY["algorithm"], ecdsa_curve=_KEY["ecdsa_curve"], opts=opts)


def b64(text: pulumi.Output[str]) -> pulumi.Output[str]:
    """Base64, as Secrets hold it. What is secret stays so."""
    return text.apply(lambda known: base64.b64encode(known.encode()).decode())


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
