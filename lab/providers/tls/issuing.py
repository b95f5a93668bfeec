"""Creates keys, requests and certificates from the properties that describe them.

Defaults and extensions are those of the real provider, which are those of Go's crypto/x509.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.providers.errors import RefusedError
from lab.providers.values import Properties, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}
SUBJECT = {
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "postalCode": NameOID.POSTAL_CODE,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "commonName": NameOID.COMMON_NAME,
}
# In the order of `x509.KeyUsage`.
KEY_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "cert_signing",
    "crl_signing",
    "encipher_only",
    "decipher_only",
)
EXTENDED_USES = {
    "any_extended": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}
USES = frozenset({*KEY_USES, *EXTENDED_USES})


def pem_key(text: str, what: str) -> Key:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RefusedError(f"{what} is not the PEM of a private key") from error
    return cast("Key", key)


def algorithm_of(key: Any) -> str:
    """The provider's name for the algorithm of a private or public key."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return "RSA"
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey)
    return "ECDSA" if elliptic else "ED25519"


# -- key -----------------------------------------------------------------------------------------------------


def private_key(inputs: Properties, _: datetime) -> tuple[str, Properties]:
    """A new key: its id, and its properties in every format."""
    key = _generate(inputs)
    public = key.public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha1(der, usedforsecurity=False).hexdigest(), {
        "privateKeyPem": Secret(_private(key, serialization.PrivateFormat.TraditionalOpenSSL)),
        "privateKeyPemPkcs8": Secret(_private(key, serialization.PrivateFormat.PKCS8)),
        "privateKeyOpenssh": Secret(_openssh(key, inputs)),
        "publicKeyPem": public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        **_ssh(public, inputs),
    }


def _generate(inputs: Properties) -> Key:
    match inputs["algorithm"]:
        case "RSA":
            return rsa.generate_private_key(public_exponent=65537, key_size=inputs["rsaBits"])
        case "ECDSA":
            return ec.generate_private_key(CURVES[inputs["ecdsaCurve"]]())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def _private(key: Key, form: serialization.PrivateFormat) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _is_for_ssh(inputs: Properties) -> bool:
    # OpenSSH supports every kind of key except those on P224.
    return not (inputs["algorithm"] == "ECDSA" and inputs["ecdsaCurve"] == "P224")


def _openssh(key: Key, inputs: Properties) -> str:
    return _private_openssh(key) if _is_for_ssh(inputs) else ""


def _private_openssh(key: Key) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def _ssh(public: Any, inputs: Properties) -> Properties:
    if not _is_for_ssh(inputs):
        names = ("publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256")
        return dict.fromkeys(names, "")
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    fingerprints = {
        "Md5": serialization.ssh_key_fingerprint(public, hashes.MD5()).hex(":"),  # noqa: S303  # what OpenSSH prints
        "Sha256": "SHA256:" + _unpadded(serialization.ssh_key_fingerprint(public, hashes.SHA256())),
    }
    return {
        "publicKeyOpenssh": line.decode() + "\n",
        **{f"publicKeyFingerprint{name}": value for name, value in fingerprints.items()},
    }


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


# -- request -------------------------------------------------------------------------------------------------


def certificate_request(inputs: Properties, _: datetime) -> tuple[str, Properties]:
    key = pem_key(inputs["privateKeyPem"], "privateKeyPem")
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject(inputs.get("subject") or {}))
    if names := alternative_names(inputs):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    request = builder.sign(key, _digest(key))
    text = request.public_bytes(serialization.Encoding.PEM).decode()
    identifier = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return identifier, {"certRequestPem": text, "keyAlgorithm": algorithm_of(key)}


def subject(described: Mapping[str, Any]) -> x509.Name:
    parts = [x509.NameAttribute(oid, described[name]) for name, oid in SUBJECT.items() if described.get(name)]
    streets = described.get("streetAddresses") or ()
    parts += [x509.NameAttribute(NameOID.STREET_ADDRESS, street) for street in streets]
    return x509.Name(parts)


def alternative_names(inputs: Properties) -> list[x509.GeneralName]:
    addresses = [ipaddress.ip_address(text) for text in inputs.get("ipAddresses") or ()]
    return [
        *(x509.DNSName(name) for name in inputs.get("dnsNames") or ()),
        *(x509.IPAddress(address) for address in addresses),
        *(x509.UniformResourceIdentifier(uri) for uri in inputs.get("uris") or ()),
    ]


def _digest(key: Key) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


# -- certificates --------------------------------------------------------------------------------------------


def self_signed(inputs: Properties, now: datetime) -> tuple[str, Properties]:
    key = pem_key(inputs["privateKeyPem"], "privateKeyPem")
    name, public = subject(inputs.get("subject") or {}), key.public_key()
    builder = _dated(inputs, now).subject_name(name).issuer_name(name).public_key(public)
    if names := alternative_names(inputs):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = _with_extensions(builder, inputs, public)
    if inputs.get("setAuthorityKeyId"):
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
        builder = builder.add_extension(authority, critical=False)
    identifier, properties = _signed(builder, key, inputs, now)
    return identifier, properties | {"keyAlgorithm": algorithm_of(key)}


def locally_signed(inputs: Properties, now: datetime) -> tuple[str, Properties]:
    key = pem_key(inputs["caPrivateKeyPem"], "caPrivateKeyPem")
    try:
        authority = x509.load_pem_x509_certificate(inputs["caCertPem"].encode())
        request = x509.load_pem_x509_csr(inputs["certRequestPem"].encode())
    except ValueError as error:
        raise RefusedError(
            "caCertPem and certRequestPem must be PEM of a certificate and a request"
        ) from error
    if authority.public_key() != key.public_key():
        raise RefusedError("caPrivateKeyPem is not the key of the certificate in caCertPem")
    public = request.public_key()
    builder = _dated(inputs, now).subject_name(request.subject).issuer_name(authority.subject)
    builder = builder.public_key(public)
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    builder = _with_extensions(builder, inputs, public)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    identifier, properties = _signed(builder, key, inputs, now)
    return identifier, properties | {"caKeyAlgorithm": algorithm_of(key)}


def _dated(inputs: Properties, now: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(_end(inputs, now))


def _end(inputs: Properties, start: datetime) -> datetime:
    return start + timedelta(hours=inputs["validityPeriodHours"])


def _with_extensions(
    builder: x509.CertificateBuilder, inputs: Properties, public: Any
) -> x509.CertificateBuilder:
    uses = inputs["allowedUses"]
    is_authority = bool(inputs.get("isCaCertificate"))
    if any(use in KEY_USES for use in uses):
        builder = builder.add_extension(key_usage(uses), critical=True)
    extended = [EXTENDED_USES[use] for use in uses if use in EXTENDED_USES]
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    length = inputs.get("maxPathLength") if is_authority else None
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=length), critical=True)
    if is_authority or inputs.get("setSubjectKeyId"):
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return builder


def key_usage(uses: Iterable[str]) -> x509.KeyUsage:
    # encipher_only and decipher_only are defined for key agreement only.
    asked = set(uses)
    flags = [use in asked for use in KEY_USES]
    if "key_agreement" not in asked:
        flags[-2:] = [False, False]
    return x509.KeyUsage(*flags)


def _signed(
    builder: x509.CertificateBuilder, key: Key, inputs: Properties, now: datetime
) -> tuple[str, Properties]:
    certificate = builder.sign(cast("CertificateIssuerPrivateKeyTypes", key), _digest(key))
    return str(certificate.serial_number), {
        "certPem": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "validityStartTime": rfc3339(now),
        "validityEndTime": rfc3339(_end(inputs, now)),
        "readyForRenewal": False,
    }


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_due(properties: Properties, early_hours: int, now: datetime) -> bool:
    """Whether a certificate is so close to its end that it must be renewed."""
    end = properties.get("validityEndTime")
    if not isinstance(end, str):
        return False
    due = datetime.strptime(end, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - timedelta(hours=early_hours)
    return now >= due
