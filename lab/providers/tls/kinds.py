"""The table of tls resource types: their inputs, outputs, and the function that creates one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.providers.resource import Failure
from lab.providers.tls import issuing
from lab.providers.values import Properties, Unknown, property_path

Make = Callable[[Properties, datetime], tuple[str, Properties]]
ALGORITHMS = ("RSA", "ECDSA", "ED25519")
SUBJECT = frozenset({*issuing.SUBJECT, "streetAddresses"})
KEY_OUTPUTS = (
    "privateKeyOpenssh",
    "privateKeyPem",
    "privateKeyPemPkcs8",
    "publicKeyFingerprintMd5",
    "publicKeyFingerprintSha256",
    "publicKeyOpenssh",
    "publicKeyPem",
)
CERTIFICATE_OUTPUTS = ("certPem", "readyForRenewal", "validityEndTime", "validityStartTime")
NAMES = ("dnsNames", "ipAddresses", "uris", "subject")
CERTIFICATE_DEFAULTS = {"earlyRenewalHours": 0, "isCaCertificate": False, "setSubjectKeyId": False}


@dataclass(frozen=True)
class Kind:
    """One type; a change of any input that is not `in_place` replaces the resource."""

    token: str
    required: tuple[str, ...]
    outputs: tuple[str, ...]
    make: Make
    optional: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)
    in_place: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.required, *self.optional, *self.defaults)

    def failures(self, written: Properties) -> Iterator[Failure]:
        for name in self.required:
            if name not in written:
                yield Failure(name, f"{self.token} needs the property '{name}'")
        for name in written:
            if name not in self.inputs:
                yield Failure(name, f"the lab does not offer the property '{name}' of {self.token}")
        yield from _wrong_values(written)


def _wrong_values(written: Properties) -> Iterator[Failure]:
    allowed = {"algorithm": ALGORITHMS, "ecdsaCurve": tuple(issuing.CURVES)}
    for name, values in allowed.items():
        value = written.get(name)
        if value is not None and not isinstance(value, Unknown) and value not in values:
            yield Failure(name, f"'{name}' is {value!r}; allowed: {', '.join(values)}")
    uses = written.get("allowedUses")
    for index, use in enumerate(uses if isinstance(uses, list) else ()):
        if use not in issuing.USES and not isinstance(use, Unknown):
            path = property_path("allowedUses", index)
            yield Failure(path, f"'{path}' is {use!r}, which the lab does not know")
    subject = written.get("subject")
    for name in subject if isinstance(subject, Mapping) else ():
        if name not in SUBJECT:
            yield Failure(f"subject.{name}", f"a subject has no property '{name}'")


EVERY = (
    Kind(
        "tls:index/privateKey:PrivateKey",
        required=("algorithm",),
        defaults={"ecdsaCurve": "P224", "rsaBits": 2048},
        outputs=KEY_OUTPUTS,
        make=issuing.private_key,
    ),
    Kind(
        "tls:index/certRequest:CertRequest",
        required=("privateKeyPem",),
        optional=NAMES,
        outputs=("certRequestPem", "keyAlgorithm"),
        make=issuing.certificate_request,
    ),
    Kind(
        "tls:index/selfSignedCert:SelfSignedCert",
        required=("allowedUses", "privateKeyPem", "validityPeriodHours"),
        optional=(*NAMES, "maxPathLength"),
        defaults={**CERTIFICATE_DEFAULTS, "setAuthorityKeyId": False},
        outputs=(*CERTIFICATE_OUTPUTS, "keyAlgorithm"),
        make=issuing.self_signed,
        in_place=("earlyRenewalHours",),
    ),
    Kind(
        "tls:index/locallySignedCert:LocallySignedCert",
        required=("allowedUses", "caCertPem", "caPrivateKeyPem", "certRequestPem", "validityPeriodHours"),
        optional=("maxPathLength",),
        defaults=CERTIFICATE_DEFAULTS,
        outputs=(*CERTIFICATE_OUTPUTS, "caKeyAlgorithm"),
        make=issuing.locally_signed,
        in_place=("earlyRenewalHours",),
    ),
)
KINDS = {kind.token: kind for kind in EVERY}
