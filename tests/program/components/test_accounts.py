"""A stack stays in its AWS accounts: the program and every provider refuse others."""

import contextlib
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from botocore.exceptions import NoCredentialsError

from eks_cilium.clients.aws import ClientOf, Credentials
from eks_cilium.clients.aws_errors import translation
from eks_cilium.dynamic.shell.cluster import refuse_foreign_account
from eks_cilium.runtime.identity import Caller, ForeignAccountError
from eks_cilium.settings import read
from eks_cilium.settings.model import Settings
from stacks import accounts
from tests.program.components import (
    test_mesh_resources,
    test_new_chained_resources,
    test_new_cluster_resources,
    test_replacement_resources,
)
from tests.program.components.recording import Recorder, WithoutKey
from tests.program.settings.bad_configurations import (
    GOOD,
    GOOD_CHAINING,
    GOOD_MESH,
    GOOD_NEW_CHAINING,
    GOOD_REPLACEMENT,
    as_pulumi,
)

pytestmark = pytest.mark.unit

OWN, FOREIGN = "111122223333", "444455556666"


def settings_of(base: dict[str, Any], **more: Any) -> Settings:
    return read(as_pulumi({**base, **{f"aws:{key}": value for key, value in more.items()}}))


def answering(accounts_of_profiles: dict[str | None, str]) -> ClientOf:
    """Clients of STS by the profile of their credentials."""

    def sts(credentials: Credentials, service: str) -> WithoutKey:
        assert service == "sts"
        return WithoutKey(f"arn:aws:sts::{accounts_of_profiles[credentials.profile]}:assumed-role/deploy/me")

    return sts


@pytest.mark.parametrize(
    "base",
    [GOOD, GOOD_NEW_CHAINING, GOOD_CHAINING, GOOD_REPLACEMENT, GOOD_MESH],
    ids=lambda base: base["mode"],
)
@pytest.mark.parametrize("guard", [{"allowedAccountIds": [OWN]}, {"forbiddenAccountIds": [FOREIGN]}], ids=str)
def test_every_mode_refuses_a_foreign_account_before_it_reads_anything(
    base: dict[str, Any], guard: dict[str, Any]
) -> None:
    settings = settings_of(base, **guard)

    accounts.refuse_foreign_accounts(settings, answering({None: OWN}))
    with pytest.raises(pulumi.RunError) as refusal:
        accounts.refuse_foreign_accounts(settings, answering({None: FOREIGN}))

    message = str(refusal.value)
    assert f"these are of account {FOREIGN}, arn:aws:sts::{FOREIGN}:assumed-role/deploy/me" in message
    assert "fix:     pulumi config set 'aws:profile'" in message


def test_without_a_guard_nobody_is_asked() -> None:
    accounts.refuse_foreign_accounts(settings_of(GOOD), answering({}))


def test_every_cluster_of_a_mesh_is_asked_for_with_its_own_profile() -> None:
    clusters = {
        "cluster-1": {"name": "a", "profile": "one"},
        "cluster-2": {"name": "b", "profile": "two"},
        "cluster-3": {"name": "c"},
    }
    settings = settings_of({**GOOD_MESH, "clusters": clusters}, allowedAccountIds=[OWN], profile="three")

    accounts.refuse_foreign_accounts(settings, answering({"one": OWN, "two": OWN, "three": OWN}))
    with pytest.raises(pulumi.RunError) as refusal:
        accounts.refuse_foreign_accounts(settings, answering({"one": OWN, "two": FOREIGN, "three": FOREIGN}))

    assert 'eks-cilium:clusters.cluster-2.profile is "two"' in str(refusal.value)
    assert 'aws:profile is "three"' in str(refusal.value)
    assert "cluster-1" not in str(refusal.value)


def test_a_profile_that_no_cluster_uses_is_not_asked_for() -> None:
    clusters = {"cluster-1": {"name": "a", "profile": "one"}, "cluster-2": {"name": "b", "profile": "two"}}
    settings = settings_of({**GOOD_MESH, "clusters": clusters}, allowedAccountIds=[OWN])

    accounts.refuse_foreign_accounts(settings, answering({"one": OWN, "two": OWN}))


def test_credentials_that_cannot_be_used_end_the_program_in_one_sentence() -> None:
    def ask(*_: Any) -> Any:
        raise translation(NoCredentialsError(), "sts:GetCallerIdentity")

    with pytest.raises(pulumi.RunError, match=r"the AWS account could not be read: .*credentials"):
        accounts.refuse_foreign_accounts(settings_of(GOOD, allowedAccountIds=[OWN]), ask)


@pytest.mark.parametrize(
    "recorded",
    [
        test_new_cluster_resources.recorded,
        test_new_chained_resources.recorded,
        test_replacement_resources.recorded,
        test_mesh_resources.registered,
    ],
    ids=["new-cluster", "new chained cluster", "replacement", "mesh"],
)
@pytest.mark.parametrize("key", ["allowedAccountIds", "forbiddenAccountIds"])
def test_every_provider_of_every_mode_has_the_guard(recorded: Callable[..., Recorder], key: str) -> None:
    guarded = recorded({f"aws:{key}": [OWN]}).of("aws")
    free = recorded({}).of("aws")

    assert [provider.inputs[key] for provider in guarded] == [f'["{OWN}"]'] * len(free)
    assert not any(key in provider.inputs for provider in free)


@pytest.mark.parametrize(
    ("accounts_of_inputs", "account", "is_refused"),
    [
        ({"allowed": [OWN]}, OWN, False),
        ({"allowed": [OWN]}, FOREIGN, True),
        ({"forbidden": [FOREIGN]}, OWN, False),
        ({"forbidden": [FOREIGN]}, FOREIGN, True),
        ({}, FOREIGN, False),
    ],
)
def test_resources_without_a_provider_refuse_a_foreign_account_before_they_look_for_the_cluster(
    accounts_of_inputs: dict[str, list[str]], account: str, is_refused: bool
) -> None:
    """There, a cluster may be missing, which would count as deleted, or be another of that name."""
    credentials = Credentials(region="eu-central-1")
    props = {"cluster_name": "shop", "region": "eu-central-1", "accounts": accounts_of_inputs}

    expected = pytest.raises(ForeignAccountError) if is_refused else contextlib.nullcontext()
    with expected:
        refuse_foreign_account(props, credentials, answering({None: account}))


def test_every_step_of_a_migration_knows_the_accounts() -> None:
    stack = test_replacement_resources.recorded({"aws:allowedAccountIds": [OWN]})
    steps = [entry for entry in stack.registrations if entry.type.startswith("pulumi-python:dynamic")]

    assert steps
    assert all(entry.inputs["accounts"] == {"allowed": [OWN]} for entry in steps)


@pytest.mark.parametrize("account", [111122223333, "111122223333"])
def test_account_ids_may_be_numbers_as_the_command_line_stores_them(account: Any) -> None:
    assert settings_of(GOOD, allowedAccountIds=[account]).allowed_account_ids == (OWN,)


@pytest.mark.parametrize(
    ("arn", "is_principal"),
    [
        (f"arn:aws:iam::{OWN}:role/deploy", True),
        (f"arn:aws:iam::{OWN}:role/teams/platform/deploy", True),
        (f"arn:aws:iam::{OWN}:role/deploy-too", False),
        (f"arn:aws:iam::{OWN}:user/deploy", False),
        (f"arn:aws:iam::{FOREIGN}:role/deploy", False),
    ],
)
def test_a_session_is_that_of_its_role_whatever_the_path(arn: str, is_principal: bool) -> None:
    session = Caller(OWN, f"arn:aws:sts::{OWN}:assumed-role/deploy/me")

    assert session.is_principal(arn) is is_principal


def test_a_user_is_itself_only() -> None:
    user = Caller(OWN, f"arn:aws:iam::{OWN}:user/teams/ann")

    assert user.is_principal(f"arn:aws:iam::{OWN}:user/teams/ann")
    assert not user.is_principal(f"arn:aws:iam::{OWN}:user/ann")
    assert not user.is_principal(f"arn:aws:iam::{OWN}:role/ann")
