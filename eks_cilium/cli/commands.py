"""What commands have in common: how their command lines read, and the options that name a cluster."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import typer

from eks_cilium.cli.sources import (
    ClusterAccess,
    ClusterNameOption,
    ContextOption,
    KubeconfigOption,
    ProfileOption,
    RegionOption,
)

Command = Callable[..., None]

_OPTIONS: dict[str, Any] = {
    "cluster": ClusterNameOption,
    "region": RegionOption,
    "profile": ProfileOption,
    "kubeconfig": KubeconfigOption,
    "context": ContextOption,
}
"""The fields of `ClusterAccess`, as options."""


def new_app() -> typer.Typer:
    """An application for one command."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def about_a_cluster(command: Command) -> Command:
    """Give a command that takes `access` the options that name a cluster in its place."""
    declared = inspect.signature(command)
    parameters = [
        parameter
        for name, declaration in declared.parameters.items()
        for parameter in (_cluster_options() if name == "access" else [declaration])
    ]

    @functools.wraps(command)
    def with_access(*arguments: Any, **values: Any) -> None:
        access = ClusterAccess(**{name: values.pop(name) for name in _OPTIONS})
        command(*arguments, access=access, **values)

    with_access.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined] # of inspect
    with_access.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_access


def _cluster_options() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.name == "cluster" else None,
            annotation=_OPTIONS[field.name],
        )
        for field in fields(ClusterAccess)
    ]
