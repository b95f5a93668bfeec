"""The policies of a mesh stack as `eks-cilium check` judges them: it cannot ask which Cilium clusters run."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from eks_cilium.cilium.versions import TRIED
from eks_cilium.settings.compiling import compiled_policies
from eks_cilium.settings.problems import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from eks_cilium.policy.compile import ReadFile
    from eks_cilium.settings import Problem
    from eks_cilium.settings.model import MeshSettings


def policy_problems(settings: MeshSettings, project: Path) -> list[Problem]:
    """Find what is wrong with the policies of a stack whatever Cilium release its clusters run.

    Only `pulumi preview` knows the releases. Here the policies are compiled for each release that is served,
    as if all clusters ran it. Only problems that every release has are returned, in the words of the newest.
    Files are read from `project`, the folder of `Pulumi.yaml`.
    """

    @cache
    def read_file(path: str) -> str:
        return (project / path).read_text(encoding="utf-8")

    newest, *older = (_problems(settings, release, read_file) for release in reversed(TRIED))
    always = set.intersection(*(set(map(_place, problems)) for problems in (newest, *older)))
    return [problem for problem in newest if _place(problem) in always]


def _problems(settings: MeshSettings, release: str, read_file: ReadFile) -> Sequence[Problem]:
    try:
        compiled_policies(settings, dict.fromkeys(settings.clusters, release), read_file)
    except ConfigurationError as error:
        return error.problems
    return ()


def _place(problem: Problem) -> tuple[str, str]:
    return problem.key, json.dumps(problem.value, sort_keys=True, default=str)
