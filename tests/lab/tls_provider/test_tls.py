"""Keys, requests and certificates over gRPC, as an engine requests them."""

import ssl
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from pulumi.runtime.proto import provider_pb2

from lab.providers.resource import Operation
from lab.providers.tls.kinds import KINDS
from lab.providers.tls.resource import TlsResource
from lab.providers.values import UNKNOWN, Secret
from tests.lab.providers.provider_process import ProviderProcess, refusal, urn

KEY = "tls:index/privateKey:PrivateKey"
REQUEST = "tls:index/certRequest:CertRequest"
SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
SIGNED = "tls:index/locallySignedCert:LocallySignedCert"
AUTHORITY = {
    "isCaCertificate": True,
    "validityPeriodHours": 24,
    "subject": {"commonName": "Cilium CA"},
    "allowedUses": ["cert_signing", "crl_signing", "key_encipherment"],
}


@pytest.fixture(scope="module")
def tls():
    process = ProviderProcess("tls", {})
    yield process.connect().configure({})
    process.stop()


@pytest.fixture(scope="module")
def authority(tls):
    key = tls.create(KEY, "ca", {"algorithm": "RSA"})
    inputs = {**AUTHORITY, "privateKeyPem": key.properties["privateKeyPem"]}
    return key, tls.create(SELF_SIGNED, "ca", inputs), inputs


def certificate(created):
    return x509.load_pem_x509_certificate(created.properties["certPem"].encode())


@pytest.mark.parametrize(
    ("inputs", "bits"),
    [
        ({"algorithm": "RSA", "rsaBits": 2048}, 2048),
        ({"algorithm": "ECDSA", "ecdsaCurve": "P256"}, 256),
        ({"algorithm": "ECDSA"}, 224),
    ],
)
def test_a_key_is_a_key_in_every_format(tls, inputs, bits):
    created = tls.create(KEY, "x", inputs)
    loaded = [
        serialization.load_pem_private_key(created.properties[name].encode(), None)
        for name in ("privateKeyPem", "privateKeyPemPkcs8")
    ]
    assert {key.key_size for key in loaded} == {bits}
    public = serialization.load_pem_public_key(created.properties["publicKeyPem"].encode())
    assert public == loaded[0].public_key()
    assert tls.diff(created, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert "algorithm" in tls.diff(created, {"algorithm": "ED25519"}).replaces


def test_private_parts_are_secret(tls):
    request = provider_pb2.CreateRequest(urn=urn(KEY, "x"))
    request.properties.update(tls.checked(KEY, "x", {"algorithm": "ECDSA", "ecdsaCurve": "P256"}))
    answer = tls.stub.Create(request).properties
    for name in ("privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"):
        assert "value" in answer[name]
    assert answer["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_chain_of_trust_holds(tls, authority):
    ca_key, ca, _ = authority
    key = tls.create(KEY, "server", {"algorithm": "ECDSA", "ecdsaCurve": "P256"})
    request = tls.create(
        REQUEST,
        "server",
        {
            "privateKeyPem": key.properties["privateKeyPem"],
            "subject": {"commonName": "clustermesh-apiserver.cilium.io"},
            "dnsNames": ["clustermesh-apiserver.cilium.io", "*.mesh.cilium.io"],
            "ipAddresses": ["127.0.0.1"],
        },
    )
    created = tls.create(
        SIGNED,
        "server",
        {
            "certRequestPem": request.properties["certRequestPem"],
            "caCertPem": ca.properties["certPem"],
            "caPrivateKeyPem": ca_key.properties["privateKeyPem"],
            "allowedUses": ["key_encipherment", "digital_signature", "server_auth", "client_auth"],
            "validityPeriodHours": 12,
        },
    )
    leaf, root = certificate(created), certificate(ca)
    leaf.verify_directly_issued_by(root)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "clustermesh-apiserver.cilium.io",
        "*.mesh.cilium.io",
    ]
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(uses) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(hours=12)
    ssl.create_default_context(cadata=ca.properties["certPem"])


def test_a_key_other_than_the_authority_s_cannot_sign(tls, authority):
    _, ca, _ = authority
    stranger = tls.create(KEY, "stranger", {"algorithm": "ECDSA", "ecdsaCurve": "P256"})
    pem = stranger.properties["privateKeyPem"]
    request = tls.create(REQUEST, "x", {"privateKeyPem": pem})
    with pytest.raises(grpc.RpcError) as caught:
        tls.create(
            SIGNED,
            "x",
            {
                "certRequestPem": request.properties["certRequestPem"],
                "caCertPem": ca.properties["certPem"],
                "caPrivateKeyPem": pem,
                "allowedUses": [],
                "validityPeriodHours": 1,
            },
        )
    assert "caPrivateKeyPem is not the key of the certificate in caCertPem" in refusal(caught.value)
    assert "PRIVATE" not in refusal(caught.value)


def test_a_preview_knows_only_the_given_inputs(tls):
    foreseen = tls.preview(SELF_SIGNED, "x", {**AUTHORITY, "privateKeyPem": UNKNOWN})
    assert foreseen["certPem"] is UNKNOWN
    assert foreseen["validityPeriodHours"] == 24


def test_a_second_run_changes_nothing_and_a_refresh_returns_the_state(tls, authority):
    _, ca, inputs = authority
    assert tls.diff(ca, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert tls.read(ca).properties == ca.properties
    later = {**inputs, "earlyRenewalHours": 1}
    assert not tls.diff(ca, later).replaces
    assert tls.update(ca, later).properties["earlyRenewalHours"] == 1
    assert list(tls.diff(ca, {**inputs, "validityPeriodHours": 48}).replaces) == ["validityPeriodHours"]


@pytest.mark.unit
def test_a_certificate_is_renewed_before_it_ends():
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    operation = Operation(urn="", token=SELF_SIGNED, name="x")
    key = TlsResource(KINDS[KEY]).create(
        operation, {"algorithm": "ECDSA", "ecdsaCurve": "P256", "rsaBits": 2048}, preview=False
    )
    secret = key.properties["privateKeyPem"]
    assert isinstance(secret, Secret)
    inputs = {**AUTHORITY, "earlyRenewalHours": 4, "privateKeyPem": secret.value}

    def at(hours):
        return TlsResource(KINDS[SELF_SIGNED], lambda: begin + timedelta(hours=hours))

    created = at(0).create(operation, inputs, preview=False)
    assert not at(19).diff(operation, "1", inputs, created.properties, inputs).changes
    due = at(20).diff(operation, "1", inputs, created.properties, inputs)
    assert [(change.path, change.replaces) for change in due.changes] == [("readyForRenewal", True)]


@pytest.mark.parametrize(
    ("token", "inputs", "failures"),
    [
        (KEY, {}, {"algorithm": f"{KEY} needs the property 'algorithm'"}),
        (
            KEY,
            {"algorithm": "DSA"},
            {"algorithm": "'algorithm' is 'DSA'; allowed: RSA, ECDSA, ED25519"},
        ),
        (
            REQUEST,
            {"privateKeyPem": "x", "dnsName": "x"},
            {"dnsName": f"the lab does not offer the property 'dnsName' of {REQUEST}"},
        ),
        (
            SELF_SIGNED,
            {**AUTHORITY, "privateKeyPem": "x", "allowedUses": ["server"]},
            {"allowedUses[0]": "'allowedUses[0]' is 'server', which the lab does not know"},
        ),
    ],
)
def test_an_unknown_input_is_refused_by_name(tls, token, inputs, failures):
    assert tls.check(token, "x", inputs)[1] == failures


def test_an_unknown_type_is_refused_by_name(tls):
    with pytest.raises(grpc.RpcError) as caught:
        tls.check("tls:index/privateKey:PublicKey", "x", {})
    assert "does not offer the resource type" in refusal(caught.value)
