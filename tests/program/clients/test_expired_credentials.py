"""Credentials that expire in the middle: what can be renewed is read anew, what cannot is said at once."""

from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSResponse

from eks_cilium.clients.aws import AwsClients, Credentials
from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.clients.tokens import BearerToken, IssuedToken
from eks_cilium.errors import (
    AwsCredentialsExpiredError,
    AwsRefusedError,
    AwsSetupError,
    CredentialsExpiredError,
    RefusedError,
    TransientError,
    UserError,
)

pytestmark = pytest.mark.unit

CREDENTIALS = Credentials(region="eu-central-1")


class Raw(BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def only_accept(client: Any, good: str) -> Any:
    """Answer the requests of a client as EKS would where one access key is good, all others have expired."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        key = str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0]
        if key == good:
            return AWSResponse(request.url, 200, {}, Raw(b'{"cluster": {"name": "demo"}}'))  # type: ignore[arg-type]
        body = b'{"message": "The security token included in the request is expired"}'
        headers = {"x-amzn-ErrorType": "ExpiredTokenException"}
        return AWSResponse(request.url, 403, headers, Raw(body))  # type: ignore[arg-type]

    client.meta.events.register("before-send.eks.*", answer)
    return client


def keys(path: Path, key: str) -> None:
    path.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=s\naws_session_token=t\n")


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file of shared credentials, and no others."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return path


def describe(clients: AwsClients, good: str) -> Any:
    return only_accept(clients("eks"), good).describe_cluster(name="demo")


def test_fresh_keys_in_the_file_are_used_after_the_old_ones_have_expired(file: Path) -> None:
    keys(file, "OLD")
    assert describe(AwsClients(CREDENTIALS), good="OLD")
    clients = AwsClients(CREDENTIALS)
    with pytest.raises(AwsCredentialsExpiredError, match=r"ExpiredTokenException.*aws sso login"):
        describe(clients, good="NEW")
    keys(file, "NEW")

    assert describe(clients, good="NEW")["cluster"]["name"] == "demo"


def test_a_client_is_kept_while_its_credentials_are_good(file: Path) -> None:
    keys(file, "OLD")
    clients = AwsClients(CREDENTIALS)

    assert clients("eks") is clients("eks")
    assert clients("eks") is not clients("ec2")


def test_a_file_that_is_just_being_written_is_read_again_later(file: Path) -> None:
    keys(file, "OLD")
    clients = AwsClients(CREDENTIALS)
    for _ in range(2):
        with pytest.raises(AwsCredentialsExpiredError):
            describe(clients, good="NEW")
        file.write_text("")
    file.write_text("[default\n")
    with pytest.raises(AwsCredentialsExpiredError):
        describe(clients, good="NEW")
    keys(file, "NEW")

    assert describe(clients, good="NEW")


def test_keys_of_the_environment_are_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OLD")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")

    with pytest.raises(
        AwsRefusedError, match="environment variables, which a running process cannot renew"
    ) as error:
        describe(AwsClients(CREDENTIALS), good="NEW")

    assert not isinstance(error.value, TransientError)


# Tokens of the Kubernetes API


class Source:
    """Issues tokens, unless it is broken."""

    def __init__(self, lasts: float | None = None) -> None:
        self.lasts, self.issued = lasts, 0
        self.broken: Exception | None = None
        self.now = 0.0

    def __call__(self) -> IssuedToken:
        if self.broken:
            raise self.broken
        self.issued += 1
        return IssuedToken(f"token-{self.issued}", self.lasts)


def test_a_token_is_used_for_as_long_as_it_is_valid_while_no_other_can_be_had() -> None:
    source = Source()
    token = BearerToken(source, clock=lambda: source.now)
    assert token.current() == "token-1"
    source.broken = UserError("the SSO session has expired")

    source.now = 800
    assert token.current() == "token-1"
    source.now = 880
    with pytest.raises(CredentialsExpiredError, match="no new token for the API server: the SSO session"):
        token.current()

    source.broken = None
    assert token.current() == "token-2"


def test_a_source_that_is_away_for_a_moment_is_asked_again_soon() -> None:
    source = Source()
    token = BearerToken(source, clock=lambda: source.now)
    token.current()
    source.now, source.broken = 601, TransientError("the metadata service does not answer")
    assert token.current() == "token-1"
    source.broken = None

    source.now += 16
    assert token.current() == "token-2"


def test_a_token_whose_end_is_known_is_not_used_after_it() -> None:
    source = Source(lasts=120)
    token = BearerToken(source, clock=lambda: source.now)
    token.current()
    source.now, source.broken = 119, TransientError("away")

    with pytest.raises(TransientError, match="away"):
        token.current()


def test_a_source_that_never_worked_fails_as_it_is() -> None:
    source = Source()
    source.broken = AwsSetupError.__new__(AwsSetupError, "no credentials")

    with pytest.raises(AwsSetupError):
        BearerToken(source, clock=lambda: source.now).current()


def api(*answers: httpx.Response) -> KubernetesApi:
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0))
    return KubernetesApi("https://x", None, transport=transport, patience=Patience(attempts=1))


def test_a_user_that_the_api_server_knew_may_be_known_again() -> None:
    known = api(
        httpx.Response(200, json={"kind": "x"}), httpx.Response(401, json={"message": "Unauthorized"})
    )
    known.get("/x")

    with pytest.raises(
        CredentialsExpiredError, match="does not accept the credentials any more: Unauthorized"
    ):
        known.get("/x")


def test_a_user_that_the_api_server_never_knew_is_refused() -> None:
    with pytest.raises(RefusedError) as error:
        api(httpx.Response(401, json={"message": "Unauthorized"})).get("/x")

    assert error.value.status == 401
