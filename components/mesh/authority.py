"""The certificate authorities of a mesh, and the certificates they sign for each cluster.

All keys are resources of the stack and secret in its state; the keys of authorities never reach a cluster.
Authorities are numbered, so that clusters can trust a second one before it signs: docs/mesh.md describes the
rotation.
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
# The first `pulumi up` in the last two months of a certificate signs a new one. The provider ignored this
# before it was a bridge to Terraform's plugin framework (pulumi/pulumi-tls#39); a test asks the real one.
_RENEWED_HOURS_BEFORE = 60 * 24
# etcd's server connects to itself as a client, with the same certificate.
_USES = ["key_encipherment", "digital_signature", "server_auth", "client_auth"]


class MeshAuthorityArgs(TypedDict):
    """The arguments of a `MeshAuthority` component."""

    issuing: int
    """Number of the authority that signs certificates; one of `trusted`."""
    trusted: Sequence[int]
    """Numbers of the authorities that clusters trust: one, or two during a rotation."""


class MeshAuthority(pulumi.ComponentResource):
    """The certificate authorities of a mesh: one signs, and clusters trust all of them.

    A certificate of an authority is valid for ten years. Private keys are ECDSA P-256 and secret in the
    state.

    Raises:
        KeyError: `issuing` is not in `trusted`.
    """

    key: tls.PrivateKey
    """Private key of the authority that signs."""
    certificate: tls.SelfSignedCert
    """Certificate of the authority that signs."""
    trusted: pulumi.Output[str]
    """The certificates of all authorities, as one PEM text."""

    def __init__(
        self, name: str, args: MeshAuthorityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(token("MeshAuthority"), name, {}, opts)
        authorities = {number: self._create(f"{name}-{number}") for number in sorted({*args["trusted"]})}
        self.key, self.certificate = authorities[args["issuing"]]
        certificates = [certificate.cert_pem for _, certificate in authorities.values()]
        self.trusted = pulumi.Output.all(*certificates).apply("".join)
        self.register_outputs({})

    def _create(self, name: str) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
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
    """The arguments of a `MemberCertificates` component."""

    authority: MeshAuthority
    """The authorities; the one that issues signs all certificates."""
    certificates: Mapping[str, Certificate]
    """Names and addresses of each certificate, by its name in the chart."""


@dataclass(frozen=True)
class Signed:
    """A certificate and its private key, both as PEM."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]


class MemberCertificates(pulumi.ComponentResource):
    """The certificates of one cluster, valid for three years and renewed in their last two months."""

    signed: Mapping[str, Signed]
    """Each certificate by its name in the chart."""
    trusted: pulumi.Output[str]
    """The certificates of all authorities, as one PEM text."""
    fingerprint: pulumi.Output[str]
    """A digest that changes with any certificate. It is no secret, because no private key goes into it."""

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
        """The certificates and keys in base64, as the values of the chart take them."""
        return {
            kind: KeyPair(b64(signed.certificate), b64(signed.key)) for kind, signed in self.signed.items()
        }

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
    """An ECDSA P-256 private key, secret in the state in each of its encodings.

    Args:
        name: Name of the resource.
        parent: The component it belongs to.

    Returns:
        The key.
    """
    opts = pulumi.ResourceOptions(parent=parent, additional_secret_outputs=_SECRET)
    return tls.PrivateKey(name, algorithm=_KEY["algorithm"], ecdsa_curve=_KEY["ecdsa_curve"], opts=opts)


def b64(text: pulumi.Output[str]) -> pulumi.Output[str]:
    """Encode a text in base64, as a Secret holds it. A secret output stays secret."""
    return text.apply(lambda known: base64.b64encode(known.encode()).decode())


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
