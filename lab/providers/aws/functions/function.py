"""One entry in the table of functions: its token, its arguments and the call that answers it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.errors import NotOfferedError, RefusedError
from lab.providers.values import Properties


@dataclass(frozen=True)
class Function:
    """One function; an argument that is not listed is refused, never ignored."""

    token: str
    arguments: Sequence[str]
    answer: Callable[[Cloud, Properties], Properties]
    regional: bool = True

    def __call__(self, cloud: Cloud, arguments: Properties) -> Properties:
        """The answer; like Pulumi's own results it contains the arguments."""
        given = {key: value for key, value in arguments.items() if value is not None}
        allowed = {*self.arguments, "region"} if self.regional else set(self.arguments)
        unknown = sorted(set(given) - allowed)
        if unknown:
            raise NotOfferedError(f"the lab does not offer the argument '{unknown[0]}' of {self.token}")
        region = {"region": cloud.region} if self.regional else {}
        return {**given, **region, **self.answer(cloud, given)}


def ec2_filters(arguments: Properties, **named: str) -> list[dict[str, Any]]:
    """EC2 filters from `filters`, `tags` and the arguments that have their own filter."""
    written = [
        {"Name": condition["name"], "Values": list(condition["values"])}
        for condition in arguments.get("filters") or ()
    ]
    tags = [{"Name": f"tag:{key}", "Values": [value]} for key, value in (arguments.get("tags") or {}).items()]
    own = [
        {"Name": name, "Values": [_text(arguments[argument])]}
        for argument, name in named.items()
        if arguments.get(argument) is not None
    ]
    return [*written, *tags, *own]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def only_one(found: Sequence[Mapping[str, Any]], what: str) -> Mapping[str, Any]:
    """The single match; like the real provider it refuses none or several."""
    if not found:
        raise NotFoundError(f"no {what} matches")
    if len(found) > 1:
        raise NotFoundError(f"{len(found)} {what}s match, expected exactly one: narrow the arguments")
    return found[0]


class NotFoundError(RefusedError):
    """A function did not find exactly one match."""
