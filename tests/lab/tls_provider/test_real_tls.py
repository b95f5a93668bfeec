"""The real pulumi-tls, where it is on PATH: certificates are renewed before they end, as the lab's are.

The mesh relies on `earlyRenewalHours`. Older versions of the provider ignored it (pulumi/pulumi-tls#39);
since it is a bridge to Terraform's plugin framework, its Diff asks the plan of every certificate, which wants
a replacement when the time has come (terraform-provider-tls, internal/provider/common_cert.go,
`modifyPlanIfCertificateReadyForRenewal`).
"""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.lab.providers.provider_process import Connection, StateEntry

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
def signed(tls: Connection) -> StateEntry:
    """A certificate as the mesh has them: three years, renewed in the last 60 days."""
    key = tls.create("tls:index/privateKey:PrivateKey", "k", {"algorithm": "ECDSA", "ecdsaCurve": "P256"})
    private: dict[str, Any] = {"privateKeyPem": key.properties["privateKeyPem"]}
    authority = {
        **private,
        "isCaCertificate": True,
        "validityPeriodHours": 10 * 365 * DAY,
        "subject": {"commonName": "authority"},
        "allowedUses": ["cert_signing"],
    }
    ca = tls.create("tls:index/selfSignedCert:SelfSignedCert", "ca", authority)
    request = tls.create(
        "tls:index/certRequest:CertRequest", "r", {**private, "subject": {"commonName": "member"}}
    )
    wanted = {
        "caCertPem": ca.properties["certPem"],
        "caPrivateKeyPem": private["privateKeyPem"],
        "certRequestPem": request.properties["certRequestPem"],
        "allowedUses": ["server_auth"],
        "validityPeriodHours": 3 * 365 * DAY,
        "earlyRenewalHours": 60 * DAY,
    }
    return tls.create(SIGNED, "c", wanted)


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
