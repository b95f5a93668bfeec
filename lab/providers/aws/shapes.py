"""Pure conversions between Pulumi's property shapes and those of the AWS APIs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def capital(name: str) -> str:
    """`cidrBlock` -> `CidrBlock`, the spelling of EC2, IAM and Auto Scaling."""
    return name[:1].upper() + name[1:]


def small(name: str) -> str:
    """`CidrBlock` -> `cidrBlock`."""
    return name[:1].lower() + name[1:]


def capitals(value: Any) -> Any:
    """Capital keys all the way down."""
    match value:
        case Mapping():
            return {capital(key): capitals(item) for key, item in value.items()}
        case list():
            return [capitals(item) for item in value]
        case _:
            return value


def smalls(value: Any) -> Any:
    """Small keys all the way down."""
    match value:
        case Mapping():
            return {small(key): smalls(item) for key, item in value.items()}
        case list():
            return [smalls(item) for item in value]
        case _:
            return value


def given(inputs: Mapping[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """API arguments from the inputs that are there: `cidrBlock` as `CidrBlock`, or `name="RoleName"`."""
    arguments = {capital(name): inputs[name] for name in names if inputs.get(name) is not None}
    return arguments | {api: inputs[name] for name, api in renamed.items() if inputs.get(name) is not None}


def given_as_is(inputs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """API arguments of a service that spells names as Pulumi does (EKS, Logs)."""
    return {name: inputs[name] for name in names if inputs.get(name) is not None}


def taken(answer: Mapping[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """Properties from an API answer: `CidrBlock` as `cidrBlock`, or `name="RoleName"`."""
    plain = {name: answer.get(capital(name)) for name in names}
    return plain | {name: answer.get(api) for name, api in renamed.items()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """EC2's and IAM's form of tags."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags from EC2's and IAM's form."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON texts mean the same; policies come back formatted in other ways."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except (TypeError, ValueError):
        return bool(one == other)


def same_set(one: Any, other: Any) -> bool:
    """Whether two lists hold the same, in whatever order."""
    if not isinstance(one, list) or not isinstance(other, list):
        return bool(one == other)
    return sorted(map(_sort_key, one)) == sorted(map(_sort_key, other))


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def as_json(value: Any) -> Any:
    """A policy given as an object, as the text that the APIs want."""
    return json.dumps(value) if isinstance(value, Mapping) else value


def covers(live: Any, asked: Any) -> bool:
    """Whether what the cloud says includes all that was asked for; it may well say more."""
    match asked:
        case Mapping():
            return isinstance(live, Mapping) and all(covers(live.get(key), asked[key]) for key in asked)
        case list():
            if not isinstance(live, list) or len(live) != len(asked):
                return False
            return all(any(covers(one, wanted) for one in live) for wanted in asked)
        case bool():
            return str(live).lower() == str(asked).lower()
        case None:
            return True
        case _:
            return bool(live == asked) or str(live).lower() == str(asked).lower()
