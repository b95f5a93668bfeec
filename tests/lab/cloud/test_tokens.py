"""Tokens are created as `aws eks get-token` creates them, with botocore's own signer."""

import base64
from dataclasses import replace

import botocore.session
import pytest
from botocore.signers import RequestSigner

from lab.cloud.identity.identities import Credentials, Identity
from lab.cloud.identity.tokens import KubernetesUser, TokenReviewer

pytestmark = pytest.mark.simulation
ANA = Identity("arn:aws:iam::1:user/ana", "arn:aws:iam::1:user/ana", "AIDA1")
KEYS = {
    "AKIAANA": Credentials("AKIAANA", "secret-of-ana", None, ANA),
    "ASIAROLE": Credentials(
        "ASIAROLE",
        "secret-of-role",
        "session-token",
        Identity("arn:aws:sts::1:assumed-role/ops/bob", "arn:aws:iam::1:role/ops", "AROA1:bob", "bob"),
    ),
}


class Clock:
    def __init__(self):
        import time

        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reviewer(clock):
    def user(cluster, identity):
        return KubernetesUser(identity.session or "ana", ("ops",)) if cluster == "demo" else None

    return TokenReviewer(KEYS.get, user, 900, clock)


@pytest.fixture(scope="module")
def events():
    session = botocore.session.get_session()
    return session.get_component("event_emitter"), session.get_service_model("sts").service_id


def token(
    events,
    *,
    key="AKIAANA",
    secret="secret-of-ana",
    session=None,
    cluster="demo",
    host="sts.eu-central-1.amazonaws.com",
):
    emitter, service = events
    credentials = botocore.credentials.Credentials(key, secret, session)
    signer = RequestSigner(service, "eu-central-1", "sts", "v4", credentials, emitter)
    request = {
        "method": "GET",
        "url": f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster} if cluster else {},
        "context": {},
    }
    url = signer.generate_presigned_url(
        request, region_name="eu-central-1", expires_in=60, operation_name="GetCallerIdentity"
    )
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def review(reviewer, text, cluster="demo"):
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": text}}
    return reviewer.review(cluster, request)["status"]


def test_a_token_of_the_cluster_is_its_user(reviewer, events):
    status = review(reviewer, token(events))
    assert status["authenticated"]
    assert status["user"]["username"] == "ana"
    assert status["user"]["groups"] == ["ops"]
    assert status["user"]["extra"]["arn"] == [ANA.arn]


@pytest.mark.parametrize("host", ["sts.amazonaws.com", "127.0.0.1:4566"])
def test_the_host_of_the_token_does_not_matter(reviewer, events, host):
    assert review(reviewer, token(events, host=host))["authenticated"]


def test_an_assumed_role_is_known_by_its_session(reviewer, events):
    text = token(events, key="ASIAROLE", secret="secret-of-role", session="session-token")
    assert review(reviewer, text)["user"]["username"] == "bob"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"cluster": "other"}, "does not verify for cluster demo"),
        ({"secret": "guess"}, "does not verify"),
        ({"key": "AKIANOBODY"}, "is unknown"),
        ({"session": "stolen"}, "is unknown"),
        ({"key": "ASIAROLE", "secret": "secret-of-role"}, "is unknown"),
        ({"cluster": None}, "x-k8s-aws-id"),
    ],
)
def test_a_token_for_another_purpose_is_refused_with_its_reason(reviewer, events, wanted, words):
    status = review(reviewer, token(events, **wanted))
    assert status["authenticated"] is False
    assert "user" not in status
    assert words in status["error"]
    assert "secret" not in status["error"]


def test_a_token_is_valid_from_its_date_until_its_expiry(reviewer, events, clock):
    text = token(events)
    clock.now += 899
    assert review(reviewer, text)["authenticated"]
    clock.now += 2
    assert "lives 900 s" in review(reviewer, text)["error"]
    clock.now -= 2000
    assert review(reviewer, text)["authenticated"] is False


def test_a_token_is_refused_when_the_session_that_signed_it_has_ended(events, clock):
    ended = replace(KEYS["ASIAROLE"], expired=True)
    reviewer = TokenReviewer({"ASIAROLE": ended}.get, lambda *_: KubernetesUser("bob", ()), 900, clock)
    text = token(events, key="ASIAROLE", secret="secret-of-role", session="session-token")
    status = review(reviewer, text)
    assert status["authenticated"] is False
    assert "has expired" in status["error"]


def test_a_changed_token_is_refused(reviewer, events):
    url = base64.urlsafe_b64decode(token(events).removeprefix("k8s-aws-v1.") + "==").decode()
    forged = url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")
    text = "k8s-aws-v1." + base64.urlsafe_b64encode(forged.encode()).decode().rstrip("=")
    assert "does not verify" in review(reviewer, text)["error"]


@pytest.mark.parametrize("text", ["", "abc", "k8s-aws-v1.", "k8s-aws-v1.%%%", "k8s-aws-v1.aHR0cDovL3g"])
def test_an_invalid_token_is_refused(reviewer, text):
    assert review(reviewer, text)["authenticated"] is False


def test_a_caller_the_cluster_does_not_know_is_refused(reviewer, events):
    text = token(events, cluster="other")
    assert "no access entry in cluster other" in review(reviewer, text, "other")["error"]
