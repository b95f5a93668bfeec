"""`python -m lab.demo MODE`: run one of the program's modes in a fresh lab and read back what it made.

The lab is left running, so that an engineer can look around with kubectl, helm and the AWS CLI.
"""

import sys
import time
from collections.abc import Callable, Sequence

from lab import report
from lab.demo import chaining, mesh, mission, new_cluster, replacement
from lab.environment import STACK, Places
from lab.errors import LabError

MODES: dict[str, tuple[Callable[[Places], bool], str]] = {
    "replacement": (replacement.run, replacement.STACK),
    "new-cluster": (new_cluster.run, STACK),
    "chaining": (chaining.run, chaining.STACK),
    "mesh": (mesh.run, mesh.STACK),
    "mesh-transit": (mesh.run_transit, mesh.TRANSIT_STACK),
    "all": (mission.run, mission.MIGRATED),
}
"""Each mode with the demo that runs it, and the stack that the demo leaves behind."""

LOOK_AROUND = """
The lab is still running. Look at it as you would at AWS:

    eval "$(python -m lab env)"        # from the project's .venv
    kubectl get nodes -o wide
    helm list -n kube-system
    aws eks describe-cluster --name {cluster}
    python -m lab pulumi -- preview --expect-no-changes --stack {stack}

Stop it and forget it:  python -m lab down
"""


def main(arguments: Sequence[str]) -> int:
    """Run the demo of the mode in `arguments`; 0 when every fact holds."""
    mode = arguments[0] if arguments else next(iter(MODES))
    if mode not in MODES:
        print(f"error: there is no demo of mode {mode!r}; there is: {', '.join(MODES)}", file=sys.stderr)
        return 2
    places = Places.default()
    run, stack = MODES[mode]
    started = time.monotonic()
    try:
        succeeded = run(places)
        for cluster in report.clusters(places):
            print(LOOK_AROUND.format(cluster=cluster, stack=stack))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'Done' if succeeded else 'FAILED'} after {time.monotonic() - started:.0f} s.")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
