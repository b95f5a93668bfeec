"""The plan of the sample cluster as it was read once: the demo shows it while the lab is built.

It is the command `eks-cilium plan` itself, which is given recorded facts in place of a running cluster.
`make demo` runs this module as soon as the packages are installed that the command needs.
"""

import sys

from typer.main import get_command

from eks_cilium.cli.main import app
from eks_cilium.cli.sources import Sources
from lab.environment import Places
from lab.progress import print_heading, print_progress
from lab.sample_cluster.recording import recorded
from lab.sample_cluster.spec import ClusterSpec
from lab.toolchain import Toolchain

COMMAND = ("plan", "--cluster", ClusterSpec().name, "--capacity", "decrement")
"""A migration without extra nodes, which is blocked; the stack file of the demo has what the plan advises."""


def sources() -> Sources:
    """Return the recorded facts as what the command reads."""
    return Sources(facts=lambda _: recorded())


def print_plan() -> None:
    """Print what the command prints, and what it is."""
    print_heading(
        "While the lab is built: the plan of a sample of twelve nodes, recorded in an earlier demo",
        f"`eks-cilium {' '.join(COMMAND)}` prints this of a running cluster, and changes nothing.\n"
        "Look at: what blocks a migration without extra nodes. The demo then migrates the cluster with them.",
    )
    get_command(app).main(list(COMMAND), prog_name="eks-cilium", standalone_mode=False, obj=sources())


def main() -> int:
    """Print the plan where the lab is not built yet."""
    if not Toolchain(Places.default().cache, print_progress).is_built():
        print_plan()
    return 0


if __name__ == "__main__":
    sys.exit(main())
