"""Everything EKS reaches outside its own records: time, the rest of AWS, control planes, their API servers.

One frozen record of parts, so that every operation names what it uses and a test can hand in its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.cloud.eks.aws_clients import AwsClients
    from lab.cloud.eks.kubernetes_api import KubernetesApi
    from lab.cloud.eks.launcher import Launcher
    from lab.cloud.requests.faults import Faults
    from lab.cloud.running_clusters import Clusters
    from lab.cloud.timing import Timing


@dataclass(frozen=True)
class Environment:
    """The outside of EKS."""

    account: str
    timing: Timing
    now: Callable[[], float]
    aws: Callable[[str], AwsClients]
    launcher: Launcher
    kubernetes: Callable[[Path], KubernetesApi]
    running: Clusters
    faults: Faults
