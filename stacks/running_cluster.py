"""What the stacks of clusters that exist already have in common: reading them, and their absence."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.settings.problems import Problem, set_command

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def readable(what: str) -> Iterator[None]:
    """End the program in one sentence when `what` can not be read; a bug keeps its stack trace."""
    try:
        yield
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"{what} could not be read: {error}") from None


@contextmanager
def for_good() -> Iterator[None]:
    """Never search for garbage in what is read in here, which a program needs until its end.

    Pods by the ten thousand are many objects, and Python would go through all of them again and again: while
    they are read, and at every few resources that are registered later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def without_cluster(name: str, region: str, *, unknown: str, next_commands: list[str]) -> dict[str, Any]:
    """What a stack exports without its cluster: a preview may come before it, an update can do nothing yet.

    Args:
        name: Name of the EKS cluster.
        region: Where it was looked for.
        unknown: What is not known without it, as in "its pods are".
        next_commands: What to type to look at the cluster.
    """
    missing = f"EKS has no cluster {name} in {region} yet, so {unknown} not known"
    if not pulumi.runtime.is_dry_run():
        path = ("cluster", "name")
        problem = Problem(path, name, f"the name of a cluster in {region}", set_command(path, "..."))
        raise pulumi.RunError(f"{missing}\n  {problem}")
    pulumi.log.warn(f"{missing}: this preview has no plan in it")
    return {
        "cluster": {"name": name, "exists": False},
        "planMarkdown": missing,
        "nextCommands": next_commands,
    }
