"""The form of one function: its token, the arguments it takes, and how it is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.errors import NotOfferedError, RefusedError
from lab.providers.values import Properties


@dataclass(frozen=True)
class Function:
    """One invoke; an argument that is not listed is refused, never ignored."""

    token: str
    arguments: Sequence[str]
    answer: Callable[[Cloud, Properties], Properties]
    regional: bool = True

    def __call__(self, cloud: Cloud, arguments: Properties) -> Properties:
        """The answer, with the arguments echoed as Pulumi's results do."""
        given = {key: value for key, value in arguments.items() if value is not None}
        allowed = {*self.arguments, "region"} if self.regional else set(self.arguments)
        unknown = sorted(set(given) - allowed)
        if unknown:
            raise NotOfferedError(f"the lab does not offer the argument '{unknown[0]}' of {self.token}")
        region = {"region": cloud.region} if self.regional else {}
        return {**given, **region, **self.answer(cloud, given)}


def ec2_filters(arguments: Properties, **named: str) -> list[dict[str, Any]]:
    """EC2 filters out of `filters`, `tags`, and arguments that have a filter of their own."""
    written = [{"Name": one["name"], "Values": list(one["values"])} for one in arguments.get("filters") or ()]
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
    """The one match; none or several are refused, as AWS's provider does."""
    if not found:
        raise NotFoundError(f"no {what} matches")
    if len(found) > 1:
        raise NotFoundError(f"{len(found)} {what}s match, and one is wanted: say more about it")
    return found[0]


class NotFoundError(RefusedError):
    """A look-up that did not find exactly one thing."""
