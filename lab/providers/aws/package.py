"""The aws provider: its configuration, and the resource type or function for a token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from lab.providers.aws import sdk
from lab.providers.aws.cloud import Cloud, plain_errors
from lab.providers.aws.functions import FUNCTIONS
from lab.providers.aws.functions.function import Function
from lab.providers.aws.resource import AwsResource
from lab.providers.aws.services import TYPES
from lab.providers.aws.table import ResourceType
from lab.providers.errors import NotOfferedError, RefusedError
from lab.providers.resource import Difference, Failure, Resource, changes_between
from lab.providers.values import Properties, Unknown, parse_option

OFFERED = frozenset(
    {
        "accessKey",
        "allowedAccountIds",
        "defaultTags",
        "forbiddenAccountIds",
        "maxRetries",
        "profile",
        "region",
        "secretKey",
        "token",
        "version",
    }
)
# Options that disable checks before the first call; the lab does not make these checks.
WITHOUT_EFFECT = frozenset(
    {
        "pluginDownloadURL",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
    }
)


@dataclass(frozen=True)
class AwsInstance:
    cloud: Cloud
    types: Mapping[str, ResourceType]
    functions: Mapping[str, Function]

    def resource(self, token: str) -> Resource:
        if token not in self.types:
            raise NotOfferedError(_no_such("resource type", token))
        return AwsResource(self.types[token], self.cloud)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        # Every function takes a `region` argument.
        if token not in self.functions:
            raise NotOfferedError(_no_such("function", token))
        with plain_errors():
            cloud = self.cloud.within(arguments.get("region"))
            return self.functions[token](cloud, arguments)


def _no_such(what: str, token: str) -> str:
    if sdk.knows(token):
        return f"the lab does not offer the {what} {token} (AWS's provider does)"
    return f"there is no {what} {token}"


class AwsPackage:
    """The aws provider before configuration; `version` is that of the SDK."""

    name = "aws"
    version = "7.51.1"

    def check_configuration(self, configuration: Properties) -> Sequence[Failure]:
        """Refuse options that the lab would otherwise ignore."""
        unknown = sorted(set(configuration) - OFFERED - WITHOUT_EFFECT)
        failures = [
            Failure(key, f"the lab's aws provider does not offer the option '{key}'") for key in unknown
        ]
        if configuration.get("allowedAccountIds") and configuration.get("forbiddenAccountIds"):
            message = 'Conflicting configuration arguments: "allowed_account_ids": conflicts with '
            failures.append(Failure("allowedAccountIds", f"{message}forbidden_account_ids"))
        return failures

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:
        # No option replaces resources: their own inputs decide.
        ignored = {"version", "__defaults"}
        before = {key: value for key, value in olds.items() if key not in ignored}
        return Difference(
            changes_between(before, {key: value for key, value in news.items() if key not in ignored})
        )

    def configure(self, configuration: Properties) -> AwsInstance:
        """Open a session; an unknown profile, a missing region or a foreign account is refused."""
        known = {key: value for key, value in configuration.items() if not isinstance(value, Unknown)}
        with plain_errors():
            session = boto3.Session(
                aws_access_key_id=known.get("accessKey"),
                aws_secret_access_key=known.get("secretKey"),
                aws_session_token=known.get("token"),
                region_name=known.get("region"),
                profile_name=known.get("profile"),
            )
        if not session.region_name:
            raise RefusedError("no region: set `aws:region` in the stack's config, or AWS_REGION")
        cloud = Cloud(session, session.region_name, _default_tags(known.get("defaultTags")))
        _check_account(cloud, known)
        return AwsInstance(cloud, TYPES, FUNCTIONS)


def _default_tags(option: Any) -> Mapping[str, str]:
    parsed = parse_option(option) or {}
    tags: Mapping[str, str] = parsed.get("tags") or {}
    return tags


def _check_account(cloud: Cloud, known: Properties) -> None:
    """Refuse an account in the words of the real provider.

    Source: hashicorp/aws-sdk-go-base, `VerifyAccountIDAllowed`; the provider calls it when it is configured.
    """
    allowed = parse_option(known.get("allowedAccountIds")) or []
    forbidden = parse_option(known.get("forbiddenAccountIds")) or []
    if not allowed and not forbidden:
        return
    with plain_errors():
        account = cloud.account
    if account in forbidden or (allowed and account not in allowed):
        raise RefusedError(f"AWS account ID not allowed: {account}")
