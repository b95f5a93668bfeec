"""Keys of Pulumi's own AWS provider that people know, and what to use here instead.

The program makes its providers itself, from the keys of the package that `model.common` has: others would
have no effect, and are refused. `settings.reading` asks this table for those that hold no credential, so that
their value can be shown. Source: the provider's page "Installation & Configuration" in the Pulumi registry.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eks_cilium.settings.problems import NAMESPACE, Problem, key_path, remove_command

if TYPE_CHECKING:
    from collections.abc import Mapping

_IN_PROFILE = "has no effect here; an AWS profile can have it, and aws:profile names the profile"
_IN_ENVIRONMENT = "has no effect here; environment variables of the AWS SDKs have the same meaning"
LISTS = frozenset({"aws:allowedAccountIds", "aws:forbiddenAccountIds"})
"""Keys of the package that this program takes as well and whose values are lists, which arrive as JSON."""

_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "aws:defaultTags": f"has no effect here; {NAMESPACE}:tags are set on every AWS resource",
        "aws:ignoreTags": "has no effect here; tags that others add are left alone on refresh only",
        "aws:assumeRole": _IN_PROFILE,
        "aws:assumeRoles": _IN_PROFILE,
        "aws:assumeRoleWithWebIdentity": _IN_PROFILE,
        "aws:sharedConfigFiles": _IN_ENVIRONMENT,
        "aws:sharedCredentialsFiles": _IN_ENVIRONMENT,
        "aws:customCaBundle": _IN_ENVIRONMENT,
        "aws:endpoints": _IN_ENVIRONMENT,
        "aws:maxRetries": _IN_ENVIRONMENT,
        "aws:retryMode": _IN_ENVIRONMENT,
        "aws:useDualstackEndpoint": _IN_ENVIRONMENT,
        "aws:useFipsEndpoint": _IN_ENVIRONMENT,
        "aws:skipCredentialsValidation": "has no effect here",
        "aws:skipMetadataApiCheck": "has no effect here",
        "aws:skipRegionValidation": "has no effect here",
        "aws:skipRequestingAccountId": "has no effect here",
    }
)


def is_open(key: str) -> bool:
    """Whether this is a known key of the provider that holds no credential."""
    return key in _INSTEAD


def problem(key: str, text: Any) -> Problem:
    """The problem of a key for which `is_open` is true."""
    value = _parsed(text)
    return Problem((key,), value, _INSTEAD[key], fix(key, value), unknown=True)


def fix(key: str, value: Any = None) -> str:
    """How to do without the key; without its value, which may be a secret, the fix has an example."""
    command = remove_command((key,))
    if key != "aws:defaultTags":
        return command
    tags = value.get("tags", value) if isinstance(value, dict) else {"team": "platform"}
    return f"{command}; set {key_path(['tags'])} to {json.dumps(tags)} in the stack's file"


def _parsed(text: Any) -> Any:
    # Pulumi hands objects over as JSON.
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text
