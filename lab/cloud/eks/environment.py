"""Everything EKS uses outside its own records: time, AWS, control planes, and their API servers.

One frozen record, so that each operation names what it uses and tests can pass their own.
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
    account: str
    timing: Timing
    now: Callable[[], float]
    aws: Callable[[str], AwsClients]
    launcher: Launcher
    kubernetes: Callable[[Path], KubernetesApi]
    running: Clusters
    faults: Faults
