"""A session of a role in a credentials file, against the real cloud process."""

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.disturbances.credentials import PROFILE, ROLE, SessionCredentials
from lab.environment import Cloud


@pytest.fixture
def credentials(cloud, tmp_path):
    created = SessionCredentials(Cloud.read(cloud.directory / "cloud.json"), tmp_path / "credentials")
    iam = cloud.client("iam")
    if ROLE not in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")
    created.renew()
    return created


@pytest.fixture
def client_of_the_profile(cloud, credentials, monkeypatch):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials.file))

    def create(service):
        session = boto3.Session(profile_name=PROFILE, region_name="eu-central-1")
        return session.client(service, endpoint_url=cloud.facts["url"])

    return create


def test_the_profile_is_a_session_of_the_role(client_of_the_profile):
    assert (
        client_of_the_profile("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/{ROLE}/engineer")
    )


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("sts", "get_caller_identity", "ExpiredToken"),
        ("autoscaling", "describe_auto_scaling_groups", "ExpiredToken"),
        ("eks", "list_clusters", "ExpiredTokenException"),
        ("ec2", "describe_instances", "RequestExpired"),
    ],
)
def test_an_ended_session_is_refused_until_fresh_keys_are_in_the_file(
    client_of_the_profile, credentials, service, call, code
):
    before = client_of_the_profile(service)
    getattr(before, call)()
    credentials.expire()
    with pytest.raises(ClientError) as caught:
        getattr(before, call)()
    assert caught.value.response["Error"]["Code"] == code

    credentials.renew()
    getattr(client_of_the_profile(service), call)()


def test_the_profile_replaces_the_engineers_keys(credentials):
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}
    assert credentials.environment(keys) == {
        "AWS_REGION": "eu-central-1",
        "AWS_PROFILE": PROFILE,
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials.file),
    }
