"""Tokens as `aws eks get-token` makes them."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from eks_cilium.clients.aws import Credentials, eks_token

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def decoded(token: str) -> str:
    prefix, _, body = token.partition(".")
    assert prefix == "k8s-aws-v1"
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()


def test_a_token_is_a_presigned_request_bound_to_the_cluster() -> None:
    url = urlsplit(decoded(eks_token(Credentials(region="eu-central-1"), "dev")))
    query = parse_qs(url.query)

    assert url.netloc == "sts.eu-central-1.amazonaws.com"
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]


def test_a_token_holds_no_secret() -> None:
    assert "not-a-real-secret" not in decoded(eks_token(Credentials(region="eu-central-1"), "dev"))


def test_the_standard_variable_decides_where_sts_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sts.example:8443")

    assert (
        urlsplit(decoded(eks_token(Credentials(region="eu-central-1"), "dev"))).netloc == "sts.example:8443"
    )


def test_tokens_of_two_clusters_differ() -> None:
    credentials = Credentials(region="eu-central-1")

    assert eks_token(credentials, "dev") != eks_token(credentials, "prod")
