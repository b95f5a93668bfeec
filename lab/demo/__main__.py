"""`python -m lab.demo MODE`: run one of the program's modes in a fresh lab and check the result.

The lab is left running, so that an engineer can explore it with kubectl, helm and the AWS CLI.
"""

import sys
import time
from collections.abc import Callable, Sequence

from lab import aws_cli
from lab.demo import all_modes, chaining, mesh, new_cluster, replacement
from lab.environment import STACK, Places
from lab.errors import LabError

MODES: dict[str, tuple[Callable[[Places], bool], str]] = {
    "replacement": (replacement.run, replacement.STACK),
    "new-cluster": (new_cluster.run, STACK),
    "chaining": (chaining.run, chaining.STACK),
    "mesh": (mesh.run, mesh.STACK),
    "mesh-transit": (mesh.run_transit, mesh.TRANSIT_STACK),
    "all": (all_modes.run, all_modes.MIGRATED),
}
"""Each mode with the demo that runs it, and the stack that exists at its end. The first is the default."""

USAGE = f"usage: python -m lab.demo [{'|'.join(MODES)}]   (default: {next(iter(MODES))})"

NEXT_STEPS = """
The lab is still running. Explore it as you would explore AWS (in the project's virtual environment):

    eval "$(python -m lab env)"
    kubectl get nodes -o wide
    helm list -n kube-system
    aws eks describe-cluster --name {cluster}
    python -m lab pulumi -- preview --expect-no-changes --stack {stack}

Stop the lab and delete its data:  python -m lab down
"""


def main(arguments: Sequence[str]) -> int:
    """Run the demo of the mode in `arguments`; return 0 when every check passed."""
    mode = arguments[0] if arguments else next(iter(MODES))
    if mode in {"-h", "--help"}:
        print(USAGE)
        return 0
    if mode not in MODES:
        print(f"error: {mode!r} is not a mode\n{USAGE}", file=sys.stderr)
        return 2
    places = Places.default()
    run, stack = MODES[mode]
    started = time.monotonic()
    try:
        succeeded = run(places)
        for cluster in aws_cli.clusters(places):
            print(NEXT_STEPS.format(cluster=cluster, stack=stack))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'Done' if succeeded else 'FAILED'} after {time.monotonic() - started:.0f} s.")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
