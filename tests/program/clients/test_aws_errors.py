"""Errors of boto3 arrive as the program's own, with AWS's words and what the user can do."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError
from botocore.retries import standard
from botocore.stub import Stubber

from eks_cilium.clients import aws_errors
from eks_cilium.clients.aws import Credentials, client, default_region, eks_token, translating
from eks_cilium.clients.aws_errors import translated, translation
from eks_cilium.errors import (
    AwsCredentialsExpiredError,
    AwsError,
    AwsNotFoundError,
    AwsRefusedError,
    AwsSetupError,
    AwsUnavailableError,
    ProgramError,
    RefusedError,
    TransientError,
    UnexpectedAnswerError,
    UserError,
)

pytestmark = pytest.mark.unit

REGION = "eu-central-1"


@pytest.fixture
def session() -> boto3.Session:
    return translating(boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION))


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials from anywhere: neither variables, files nor instance metadata."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def answered(code: str, message: str = "", status: int = 400, **about: Any) -> exceptions.ClientError:
    # Any, because the stubs require every field and AWS leaves some out.
    metadata: Any = {"HTTPStatusCode": status, "RequestId": "req-1", **about}
    return exceptions.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "DescribeCluster"
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceNotFoundException", 404, AwsNotFoundError),
        ("NoSuchEntity", 404, AwsNotFoundError),
        ("InvalidInstanceID.NotFound", 400, AwsNotFoundError),
        ("AccessDeniedException", 403, AwsRefusedError),
        ("ExpiredToken", 403, AwsCredentialsExpiredError),
        ("ExpiredTokenException", 403, AwsCredentialsExpiredError),
        ("RequestExpired", 400, AwsCredentialsExpiredError),
        ("InvalidClientTokenId", 403, AwsRefusedError),
        ("ValidationError", 400, AwsRefusedError),
        ("Throttling", 400, AwsUnavailableError),
        ("RequestLimitExceeded", 503, AwsUnavailableError),
        ("InternalFailure", 500, AwsUnavailableError),
        ("ServiceUnavailable", 503, AwsUnavailableError),
        ("Unknown", 429, AwsUnavailableError),
    ],
)
def test_an_answer_of_aws_keeps_its_code_words_and_request_id(
    code: str, status: int, kind: type[AwsError]
) -> None:
    error = translation(answered(code, "because of it", status), "eks:DescribeCluster")

    assert type(error) is kind
    assert isinstance(error, AwsError)
    assert (error.code, error.reason) == (code, "because of it")
    assert (error.answer.request_id, error.answer.status) == ("req-1", status)
    for said in ("eks:DescribeCluster", code, "because of it", "(request id req-1)"):
        assert said in str(error)


def test_users_can_fix_what_aws_refuses_and_wait_for_what_it_cannot_do_now() -> None:
    assert issubclass(AwsRefusedError, RefusedError)
    assert issubclass(AwsSetupError, UserError)
    assert issubclass(AwsUnavailableError, TransientError)
    assert issubclass(AwsCredentialsExpiredError, TransientError)


def test_every_code_that_botocore_retries_is_transient() -> None:
    """Our lists are copies of botocore's private ones: they have to follow it."""
    retried = {
        *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,  # type: ignore[attr-defined] # private, so not in the stubs
        *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # type: ignore[attr-defined] # private, so not in the stubs
    }

    assert retried == aws_errors._TRANSIENT_CODES | aws_errors._THROTTLED_CODES
    for code in retried:
        assert isinstance(translation(answered(code), "eks:DescribeCluster"), TransientError)


def test_how_often_a_call_failed_is_said() -> None:
    error = translation(answered("Throttling", "Rate exceeded", RetryAttempts=7), "ec2:DescribeInstances")

    assert str(error) == (
        "ec2:DescribeInstances failed 8 times, last with Throttling: Rate exceeded (request id req-1). "
        "Run again later."
    )


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AccessDenied", "no", "Permit eks:DescribeCluster in the IAM policy"),
        (
            "UnauthorizedOperation",
            "not authorized to perform: ec2:DescribeVpcs because",
            "Permit ec2:DescribeVpcs",
        ),
        ("ExpiredToken", "expired", "aws sso login"),
        ("UnrecognizedClientException", "invalid", "aws sts get-caller-identity"),
        ("RequestExpired", "too old", "clock of this machine"),
        ("OptInRequired", "no", "cannot use this service yet"),
    ],
)
def test_a_refusal_says_what_to_do(code: str, message: str, hint: str) -> None:
    assert hint in str(translation(answered(code, message), "eks:DescribeCluster"))


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (exceptions.NoCredentialsError(), AwsSetupError, "Unable to locate credentials. Get fresh"),
        (
            exceptions.CredentialRetrievalError(provider="sso", error_msg="expired"),
            AwsCredentialsExpiredError,
            "aws sso login",
        ),
        (exceptions.UnauthorizedSSOTokenError(), AwsCredentialsExpiredError, "aws sso login"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), AwsCredentialsExpiredError, "log"),
        (exceptions.NoRegionError(), AwsSetupError, "You must specify a region. Set the region"),
        (exceptions.UnknownRegionError(region_name="x", error_msg=""), AwsSetupError, "AWS_REGION"),
        (exceptions.ProfileNotFound(profile="x"), AwsSetupError, "aws configure list-profiles"),
        (exceptions.ConfigParseError(path="x"), AwsSetupError, "aws configure list"),
        (
            exceptions.EndpointConnectionError(endpoint_url="https://eks.mars.amazonaws.com"),
            AwsUnavailableError,
            'https://eks.mars.amazonaws.com". Check the region, the network',
        ),
        (exceptions.ReadTimeoutError(endpoint_url="x"), AwsUnavailableError, "Read timeout"),
        (exceptions.ParamValidationError(report="bad"), UnexpectedAnswerError, "ParamValidationError"),
        (ResponseParserError("<html>"), UnexpectedAnswerError, "ResponseParserError"),
    ],
)
def test_without_an_answer_the_reason_decides(error: Exception, kind: type[ProgramError], says: str) -> None:
    found = translation(error, "eks:DescribeCluster")

    assert type(found) is kind
    assert says in str(found)


def test_every_error_of_botocore_becomes_one_of_ours() -> None:
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, exceptions.BotoCoreError)
    ]
    assert len(kinds) > 50

    for kind in kinds:
        with pytest.raises(ProgramError):
            translation_of(kind)


def translation_of(kind: type[Exception]) -> None:
    with translated("eks:DescribeCluster"):
        raise kind.__new__(kind)


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(LookupError), translated("eks:DescribeCluster"):
        raise LookupError


def test_a_clients_operations_are_translated(session: boto3.Session) -> None:
    eks = session.client("eks")
    with Stubber(eks) as stub:
        stub.add_client_error("describe_cluster", "ResourceNotFoundException", "No cluster found", 404)
        with pytest.raises(AwsNotFoundError, match="AWS refused eks:DescribeCluster") as error:
            eks.describe_cluster(name="demo")

    assert isinstance(error.value.__cause__, exceptions.ClientError)


def test_a_clients_paginators_are_translated(session: boto3.Session) -> None:
    autoscaling = session.client("autoscaling")
    with Stubber(autoscaling) as stub:
        stub.add_client_error("describe_auto_scaling_groups", "AccessDenied", "no", 403)
        with pytest.raises(AwsRefusedError, match="autoscaling:DescribeAutoScalingGroups"):
            list(autoscaling.get_paginator("describe_auto_scaling_groups").paginate())


def test_no_credentials_at_all(bare_environment: None) -> None:
    credentials = Credentials(region=REGION)

    with pytest.raises(AwsSetupError, match="eks:DescribeCluster: Unable to locate credentials"):
        client(credentials, "eks").describe_cluster(name="demo")
    with pytest.raises(AwsSetupError, match="sts:GetCallerIdentity: Unable to locate credentials"):
        eks_token(credentials, "demo")


def test_a_profile_that_does_not_exist(bare_environment: None) -> None:
    with pytest.raises(AwsSetupError, match=r"profile \(nowhere\) could not be found"):
        client(Credentials(region=REGION, profile="nowhere"), "eks")
    with pytest.raises(AwsSetupError, match=r"profile \(nowhere\) could not be found"):
        default_region("nowhere")


def test_a_region_that_is_no_region(bare_environment: None) -> None:
    with pytest.raises(AwsSetupError, match="AWS client for eks"):
        client(Credentials(region="no region"), "eks")


def test_an_endpoint_that_does_not_answer(bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("eks_cilium.clients.aws._RETRIES", None)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(AwsUnavailableError, match="no answer from AWS: Could not connect"):
        client(Credentials(region=REGION), "eks").describe_cluster(name="demo")
