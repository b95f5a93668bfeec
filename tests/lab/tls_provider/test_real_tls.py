"""The real pulumi-tls, where it is on PATH: it has the lab's state, and renews certificates as the lab does.

The mesh relies on `earlyRenewalHours`. Older versions of the provider ignored it (pulumi/pulumi-tls#39);
since it is a bridge to Terraform's plugin framework, its Diff asks the plan of every certificate, which wants
a replacement when the time has come (terraform-provider-tls, internal/provider/common_cert.go,
`modifyPlanIfCertificateReadyForRenewal`).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.lab.providers.provider_process import Connection, ProviderProcess, StateEntry
from tests.parity import Allowed, assert_same

MADE_UP = [
    (r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END [A-Z0-9 ]+-----", r"\1"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)", "TIME"),
    (r"\b[0-9a-f]{40}\b", "HASH"),
    (r"\b([0-9a-f]{2}:){15}[0-9a-f]{2}\b", "MD5"),
    (r"SHA256:\S+", "SHA256"),
    (r"\b\d{30,}\b", "SERIAL"),
    (r"ecdsa-sha2-nistp256 \S+", "OPENSSH"),
]
"""What differs in every run: keys, certificates, times, numbers."""

PLUGIN = shutil.which("pulumi-resource-tls")
pytestmark = pytest.mark.skipif(PLUGIN is None, reason="pulumi-resource-tls is not on PATH")

SIGNED = "tls:index/locallySignedCert:LocallySignedCert"
DAY = 24


@pytest.fixture(scope="module")
def tls() -> Iterator[Connection]:
    process = subprocess.Popen([str(PLUGIN)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Connection(grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")).configure({})
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def emulated() -> Iterator[Connection]:
    process = ProviderProcess("tls", {})
    yield process.connect().configure({})
    process.stop()


@pytest.fixture(scope="module")
def signed(tls: Connection) -> StateEntry:
    """A certificate as the mesh has them: three years, renewed in the last 60 days."""
    return chain_of(tls)[-1]


def chain_of(tls: Connection) -> list[StateEntry]:
    """A key, an authority, a request, and the certificate that the authority signs."""
    key = tls.create("tls:index/privateKey:PrivateKey", "k", {"algorithm": "ECDSA", "ecdsaCurve": "P256"})
    private: dict[str, Any] = {"privateKeyPem": key.properties["privateKeyPem"]}
    authority = {
        **private,
        "isCaCertificate": True,
        "setSubjectKeyId": True,
        "validityPeriodHours": 10 * 365 * DAY,
        "subject": {"commonName": "authority"},
        "allowedUses": ["cert_signing", "crl_signing", "digital_signature"],
    }
    ca = tls.create("tls:index/selfSignedCert:SelfSignedCert", "ca", authority)
    named = {"dnsNames": ["*.mesh.cilium.io"], "ipAddresses": ["127.0.0.1"]}
    request = tls.create(
        "tls:index/certRequest:CertRequest", "r", {**private, **named, "subject": {"commonName": "member"}}
    )
    wanted = {
        "caCertPem": ca.properties["certPem"],
        "caPrivateKeyPem": private["privateKeyPem"],
        "certRequestPem": request.properties["certRequestPem"],
        "allowedUses": ["server_auth"],
        "validityPeriodHours": 3 * 365 * DAY,
        "earlyRenewalHours": 60 * DAY,
    }
    return [key, ca, request, tls.create(SIGNED, "c", wanted)]


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    if isinstance(value, str):
        for pattern, name in MADE_UP:
            value = re.sub(pattern, name, value)
    return value


def test_keys_requests_and_certificates_have_the_same_state(tls: Connection, emulated: Connection):
    ours, theirs = (
        {entry.token: masked([entry.id, entry.inputs, entry.properties]) for entry in chain_of(connection)}
        for connection in (emulated, tls)
    )

    bookkeeping = Allowed(
        r".*\.2\.(__meta|__pulumi_raw_state_delta)", "how the bridge to Terraform finds its own state again"
    )
    assert_same(ours, theirs, [bookkeeping])


def ending_in(entry: StateEntry, days: int) -> StateEntry:
    """The same certificate in a state whose clock has moved on."""
    end = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    properties = {**entry.properties, "validityEndTime": end}
    return StateEntry(entry.token, entry.name, entry.id, entry.inputs, properties)


@pytest.mark.parametrize(
    ("days", "replaces"), [(61, []), (59, ["readyForRenewal"]), (-1, ["readyForRenewal"])]
)
def test_a_certificate_is_replaced_in_its_last_days_though_no_input_changes(
    tls: Connection, signed: StateEntry, days: int, replaces: list[str]
):
    assert list(tls.diff(ending_in(signed, days), signed.inputs).replaces) == replaces
