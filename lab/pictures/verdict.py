"""The picture of a verdict table: the real command over objects of two clusters, as they were recorded."""

from pathlib import Path

import yaml

from eks_cilium.cli.sources import Sources
from eks_cilium.cluster.cilium_objects import CiliumObjects
from lab.pictures import command

COLUMNS = 160
COMMAND = (
    *("verdict", "--context", "cluster-1", "--context", "cluster-2"),
    *("--from", "cluster-1/*", "--to", "cluster-2/*"),
)
_RECORDED = Path(__file__).parent / "recorded"


def picture() -> str:
    """The verdicts on the policy that many pages show, with the policy that was meant beside it."""
    return command.picture(COMMAND, Sources(objects=_recorded), COLUMNS)


def _recorded(_kubeconfig: Path | None, context: str) -> CiliumObjects:
    found = yaml.safe_load((_RECORDED / f"{context}.yaml").read_text())
    return CiliumObjects(**found)
