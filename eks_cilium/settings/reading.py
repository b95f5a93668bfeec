"""Reads Pulumi's flat map of configuration into `Settings`, or raises every problem at once.

`__main__` and the command `eks-cilium check` call `read` with the map that Pulumi passes to a program:
keys such as `eks-cilium:cluster`, and values as text, with objects as JSON.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import json
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from eks_cilium.settings import provider_keys
from eks_cilium.settings.model import MODELS, ChainingSettings, NewChainedClusterSettings, Settings
from eks_cilium.settings.model.fields import allowed_value, example_of, model_in
from eks_cilium.settings.problems import (
    NAMESPACE,
    UNSET,
    ConfigurationError,
    Problem,
    key_path,
    set_fix,
    unknown_key_fix,
)
from eks_cilium.settings.rules import broken_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_TEXT_KEYS = {"mode"}
_SECRET = "(secret)"  # noqa: S105 - a placeholder, not a secret


def read(raw: Mapping[str, str], *, secret_keys: Collection[str] = ()) -> Settings:
    """Parse and check a whole configuration.

    Rules between keys need values of the right shape. If one has not, the rules are not applied, and the
    error says so. Unknown keys are left out before the rules are applied.

    Args:
        raw: Every key of the stack's configuration with its value as text.
        secret_keys: Keys whose values must not be quoted in a message.

    Returns:
        The settings of the stack's mode.

    Raises:
        ConfigurationError: The configuration is wrong; the error holds every problem.
    """
    document = _document(raw)
    model = _model_for(document)
    settings, problems = _validated(document, model)
    unknown = [problem.path for problem in problems if problem.unknown]
    if settings is None and len(unknown) == len(problems):
        settings, _ = _validated(_without(document, unknown), model)
    if settings is not None:
        problems += broken_rules(settings)
        if not problems:
            return settings
    masked = [_masked(problem, secret_keys) for problem in _once_per_key(problems)]
    raise ConfigurationError(masked, complete=settings is not None)


def _document(raw: Mapping[str, str]) -> dict[str, Any]:
    """Nest the flat map as the model is nested. Keys of packages other than aws are left out."""
    document: dict[str, Any] = {}
    for full_key, text in raw.items():
        namespace, _, name = full_key.partition(":")
        if namespace == "aws":
            document[full_key] = _parsed(text) if full_key in provider_keys.LISTS else text
        elif namespace == NAMESPACE:
            document[name] = text if name in _TEXT_KEYS else _parsed(text)
    return document


def _parsed(text: str) -> Any:
    # Objects arrive as JSON. Other text is kept, and the model refuses it.
    try:
        return json.loads(text)
    except ValueError:
        return text


def _model_for(document: dict[str, Any]) -> type[Settings]:
    """The model of the mode, and of `cluster.existing` in mode chaining.

    Where these are wrong, the model that knows most of the keys, so that this is one problem, not one for
    every key: `mode` and `cluster.existing` are required, and problems as well.
    """
    mode = document.get("mode")
    known = MODELS.get(mode, ()) if isinstance(mode, str) else ()
    cluster = document.get("cluster")
    existing = cluster.get("existing") if isinstance(cluster, dict) else None
    if mode == "chaining" and isinstance(existing, bool):
        return ChainingSettings if existing else NewChainedClusterSettings
    candidates = known or [model for models in MODELS.values() for model in models]
    return max(candidates, key=lambda model: len(_aliases(model).keys() & document.keys()))


def _validated(document: dict[str, Any], model: type[Settings]) -> tuple[Settings | None, list[Problem]]:
    try:
        return model.model_validate(document, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, [_problem(details, model) for details in error.errors(include_url=False)]


def _without(document: dict[str, Any], paths: Collection[tuple[str | int, ...]]) -> dict[str, Any]:
    result = copy.deepcopy(document)
    for *above, last in paths:
        node: Any = result
        for part in above:
            node = node[part]
        del node[last]
    return result


def _once_per_key(problems: list[Problem]) -> list[Problem]:
    # Pydantic reports a problem for every member of a union.
    kept: dict[str, Problem] = {}
    for problem in problems:
        kept.setdefault(problem.key, problem)
    return list(kept.values())


def _masked(problem: Problem, secret_keys: Collection[str]) -> Problem:
    # An unknown key of the aws package may be a credential that was set without --secret.
    top = key_path(problem.path[:1])
    credential = problem.unknown and top.startswith("aws:") and not provider_keys.is_open(top)
    hidden = top in secret_keys or credential
    if not hidden or problem.value is UNSET:
        return problem
    fix = provider_keys.fix(top) if provider_keys.is_open(top) else problem.fix
    return dataclasses.replace(problem, value=_SECRET, fix=fix)


def _problem(details: ErrorDetails, settings: type[Settings]) -> Problem:
    path, holder, field = _locate(details["loc"], settings)
    if details["type"] == "extra_forbidden":
        return _unknown_key(path, details["input"], holder)
    value = UNSET if details["type"] == "missing" else details["input"]
    allowed = allowed_value(field) if field is not None else details["msg"]
    example = example_of(field)
    if isinstance(path[-1], int) and isinstance(example, list):  # the path is that of an item
        example = example[0]
    return Problem(path, value, allowed, set_fix(path, example))


def _unknown_key(path: tuple[str | int, ...], value: Any, model: type[BaseModel] | None) -> Problem:
    known = sorted(_aliases(model)) if model is not None else []
    wrong = str(path[-1])
    if provider_keys.is_open(wrong):
        return provider_keys.problem(wrong, value)
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    allowed = f"no such key; known here: {', '.join(known)}"
    return Problem(path, value, allowed, unknown_key_fix(path, near[0] if near else None), unknown=True)


def _aliases(model: type[BaseModel]) -> dict[str, str]:
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _locate(
    location: tuple[int | str, ...], settings: type[Settings]
) -> tuple[tuple[str | int, ...], type[BaseModel] | None, FieldInfo | None]:
    """Follow pydantic's location of an error through the models.

    Returns the path without pydantic's own parts (names of union members), the model that holds the last key,
    and the deepest field on the way.
    """
    path: list[str | int] = []
    model: type[BaseModel] | None = settings
    holder: type[BaseModel] | None = settings
    deepest: FieldInfo | None = None
    annotation: Any = settings
    for part in location:
        aliases = _aliases(model) if model is not None else {}
        if model is not None and part in aliases:
            field = model.model_fields[aliases[str(part)]]
            annotation, holder, deepest = field.annotation, model, field
            model = model_in(annotation)
            path.append(part)
            if _holds(annotation, dict) or _holds(annotation, tuple):
                model = None
        elif isinstance(part, int) or _holds(annotation, dict):
            path.append(part)
            model = holder = model_in(annotation)
            annotation = model
        elif model is not None:
            path.append(part)
            holder = model
    return tuple(path) or ("",), holder, deepest


def _holds(annotation: Any, collection: type) -> bool:
    """Whether an annotation, or a member of its union, is such a collection."""
    return collection in (get_origin(annotation), *map(get_origin, get_args(annotation)))
