"""`aws.iam.getPolicyDocument`: policy JSON from statements, formatted as the real provider does."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function
from lab.providers.values import Properties

VERSION = "2012-10-17"
LISTS = {
    "Action": "actions",
    "NotAction": "notActions",
    "Resource": "resources",
    "NotResource": "notResources",
}
PRINCIPALS = {"Principal": "principals", "NotPrincipal": "notPrincipals"}


def one_or_many(values: Sequence[str]) -> Any:
    # A single value is written without brackets; several are sorted.
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def statement(written: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"Sid": written["sid"]} if written.get("sid") else {}
    result["Effect"] = written.get("effect") or "Allow"
    lists = {key: written[name] for key, name in LISTS.items() if written.get(name)}
    who = {key: principals(written[name]) for key, name in PRINCIPALS.items() if written.get(name)}
    conditions = {"Condition": condition(written["conditions"])} if written.get("conditions") else {}
    return result | {key: one_or_many(values) for key, values in lists.items()} | who | conditions


def principals(written: Sequence[Mapping[str, Any]]) -> Any:
    # A map from kind to identifiers, or `*` for everyone.
    grouped: dict[str, list[str]] = {}
    for principal in written:
        grouped.setdefault(principal["type"], []).extend(principal["identifiers"])
    if grouped.get("*") == ["*"]:
        return "*"
    return {kind: one_or_many(names) for kind, names in grouped.items()}


def condition(written: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    # Ordered by test, then variable, then values.
    tests: dict[str, dict[str, list[str]]] = {}
    for entry in written:
        tests.setdefault(entry["test"], {}).setdefault(entry["variable"], []).extend(entry["values"])
    return {
        test: {variable: one_or_many(values) for variable, values in variables.items()}
        for test, variables in tests.items()
    }


def merged(texts: Sequence[str], base: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements of several documents; a later one with the same `Sid` replaces the earlier one."""
    result = list(base)
    for text in texts:
        for added in json.loads(text).get("Statement", []):
            result = [held for held in result if not added.get("Sid") or held.get("Sid") != added["Sid"]]
            result.append(added)
    return result


def document(_: Cloud, arguments: Properties) -> Properties:
    """The source documents, then the given statements, then the override documents."""
    sources = merged(_texts(arguments, "source"), [])
    own = [statement(written) for written in arguments.get("statements") or ()]
    statements = merged(_texts(arguments, "override"), merged([json.dumps({"Statement": own})], sources))
    policy: dict[str, Any] = {"Version": arguments.get("version") or VERSION}
    policy |= {"Id": arguments["policyId"]} if arguments.get("policyId") else {}
    policy["Statement"] = statements
    minified = json.dumps(policy, separators=(",", ":"))
    return {
        "id": str(zlib.crc32(minified.encode())),
        "json": json.dumps(policy, indent=2),
        "minifiedJson": minified,
    }


def _texts(arguments: Properties, what: str) -> list[str]:
    single = arguments.get(f"{what}Json")
    return [*([single] if single else []), *(arguments.get(f"{what}PolicyDocuments") or ())]


FUNCTIONS = (
    Function(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        (
            "overrideJson",
            "overridePolicyDocuments",
            "policyId",
            "sourceJson",
            "sourcePolicyDocuments",
            "statements",
            "version",
        ),
        document,
        regional=False,
    ),
)
