"""Pure conversions between the property shapes of Pulumi and those of the AWS APIs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def capital(name: str) -> str:
    """`cidrBlock` -> `CidrBlock`, the spelling of EC2, IAM and Auto Scaling."""
    return name[:1].upper() + name[1:]


def small(name: str) -> str:
    """`CidrBlock` -> `cidrBlock`, the spelling of Pulumi."""
    return name[:1].lower() + name[1:]


def capitals(value: Any) -> Any:
    """Capitalise the keys at every depth."""
    match value:
        case Mapping():
            return {capital(key): capitals(item) for key, item in value.items()}
        case list():
            return [capitals(item) for item in value]
        case _:
            return value


def smalls(value: Any) -> Any:
    """Decapitalise the keys at every depth."""
    match value:
        case Mapping():
            return {small(key): smalls(item) for key, item in value.items()}
        case list():
            return [smalls(item) for item in value]
        case _:
            return value


def to_api(inputs: Mapping[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """API arguments from the inputs that are set: `cidrBlock` as `CidrBlock`, or `name="RoleName"`."""
    arguments = {capital(name): inputs[name] for name in names if inputs.get(name) is not None}
    return arguments | {api: inputs[name] for name, api in renamed.items() if inputs.get(name) is not None}


def to_api_as_is(inputs: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """API arguments of a service that spells names as Pulumi does (EKS, Logs)."""
    return {name: inputs[name] for name in names if inputs.get(name) is not None}


def from_api(answer: Mapping[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """Properties from an API answer: `CidrBlock` as `cidrBlock`, or `name="RoleName"`."""
    plain = {name: answer.get(capital(name)) for name in names}
    return plain | {name: answer.get(api) for name, api in renamed.items()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_map(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def same_json(left: Any, right: Any) -> bool:
    # AWS returns policies in another format than they were written.
    try:
        return bool(json.loads(left) == json.loads(right))
    except (TypeError, ValueError):
        return bool(left == right)


def same_set(left: Any, right: Any) -> bool:
    """Whether two lists hold the same members in any order."""
    if not isinstance(left, list) or not isinstance(right, list):
        return bool(left == right)
    return sorted(map(_sort_key, left)) == sorted(map(_sort_key, right))


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def as_json(value: Any) -> Any:
    # The APIs expect policies as text; a program may give an object.
    return json.dumps(value) if isinstance(value, Mapping) else value


def covers(live: Any, asked: Any) -> bool:
    """Whether the cloud's value includes everything asked for; it may contain more."""
    match asked:
        case Mapping():
            return isinstance(live, Mapping) and all(covers(live.get(key), asked[key]) for key in asked)
        case list():
            if not isinstance(live, list) or len(live) != len(asked):
                return False
            return all(any(covers(member, wanted) for member in live) for wanted in asked)
        case bool():
            return str(live).lower() == str(asked).lower()
        case None:
            return True
        case _:
            return bool(live == asked) or str(live).lower() == str(asked).lower()
