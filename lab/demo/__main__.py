"""`python -m lab.demo MODE`: run one of the program's modes in a fresh lab and check the result.

The lab is left running, so that an engineer can explore it with kubectl, helm and the AWS CLI.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from lab import aws_cli
from lab.demo import all_modes, chaining, mesh, new_cluster, replacement
from lab.environment import STACK, Places
from lab.errors import LabError
from lab.plugins import Providers, add_providers_option, official_plugins

MODES: dict[str, tuple[Callable[[Places], bool], str]] = {
    "replacement": (replacement.run, replacement.STACK),
    "new-cluster": (new_cluster.run, STACK),
    "chaining": (chaining.run, chaining.STACK),
    "mesh": (mesh.run, mesh.STACK),
    "mesh-transit": (mesh.run_transit, mesh.TRANSIT_STACK),
    "all": (all_modes.run, all_modes.MIGRATED),
}
"""Each mode with the demo that runs it, and the stack that exists at its end. The first is the default."""

NEXT_STEPS = """
The lab is still running. Explore it as you would explore AWS (in the project's virtual environment):

    eval "$(python -m lab env)"
    kubectl get nodes -o wide
    helm list -n kube-system
    aws eks describe-cluster --name {cluster}
    python -m lab pulumi {options}-- preview --expect-no-changes --stack {stack}

Stop the lab and delete its data:  python -m lab down
"""


def main(arguments: Sequence[str]) -> int:
    """Run the demo that `arguments` choose; return 0 when every check passed."""
    options = _parser().parse_args(arguments)
    places = Places.default(options.providers)
    run, stack = MODES[options.mode]
    started = time.monotonic()
    try:
        official_plugins(places.providers, os.environ.get("PATH", ""))  # found missing before anything starts
        succeeded = run(places)
        chosen = f"--providers {places.providers} " if places.providers is Providers.REAL else ""
        for cluster in aws_cli.clusters(places):
            print(NEXT_STEPS.format(cluster=cluster, stack=stack, options=chosen))
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'Done' if succeeded else 'FAILED'} after {time.monotonic() - started:.0f} s.")
    return 0 if succeeded else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.demo", description=(__doc__ or "").partition("\n\n")[0]
    )
    first = next(iter(MODES))
    parser.add_argument("mode", nargs="?", choices=MODES, default=first, help="default: %(default)s")
    add_providers_option(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
