"""The command `python -m migration plan`: reads a cluster and prints the plan. It changes nothing.

Ends with 0 when nothing forbids the plan, with 2 when something does, and with 1 when no plan could be made.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from eks_cilium.clients import aws
from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.errors import ProgramError, UserError
from eks_cilium.migration import report
from eks_cilium.migration.facts.own_pod import own_pod
from eks_cilium.migration.facts.reading import read
from eks_cilium.migration.options import Allowed, Capacity, Exceptions, Options, Target
from eks_cilium.migration.plan.planner import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eks_cilium.migration.facts.model import Facts
    from eks_cilium.migration.plan.model import Plan

CLEAN, UNREADABLE, REFUSED = 0, 1, 2

_BY_PATTERN = {
    "barePods": "bare_pods",
    "localStorage": "local_storage",
    "budgets": "budgets",
    "strandedPods": "stranded_pods",
    "lowerMinimum": "lower_minimum",
}
_OUTRIGHT = {
    "securityGroupPolicies": "security_group_policies",
    "karpenterNodes": "karpenter_nodes",
    "fargateNodes": "fargate_nodes",
}
_EPILOG = "Exit status: 0 nothing forbids the plan, 2 something does, 1 no plan could be made."


class _Parser(argparse.ArgumentParser):
    """Ends with our own status for a wrong command line, since argparse's 2 says something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UNREADABLE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str], facts_of: Callable[[argparse.Namespace], Facts] | None = None) -> int:
    """Run a command line; returns its exit status. `facts_of` reads the facts of the cluster it names."""
    chosen = _parser().parse_args(arguments)
    try:
        options = _options(chosen)
        made = plan((facts_of or _facts)(chosen), options)
    except ProgramError as error:
        sys.stderr.write(f"no plan: {error}\n")
        return UNREADABLE
    sys.stdout.write(_written(made, chosen))
    return CLEAN if made.clean else REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m migration", description="Look at a migration without Pulumi.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("plan", help="print what a migration would do", epilog=_EPILOG)
    where = command.add_argument_group("which cluster")
    where.add_argument("--cluster", required=True, metavar="NAME", help="name of the EKS cluster")
    where.add_argument("--region", help="its region, if not that of the AWS profile")
    where.add_argument("--profile", help="AWS profile")
    where.add_argument("--kubeconfig", type=Path, help="reach the cluster by this file, not by an EKS token")
    where.add_argument("--context", help="context of the kubeconfig")
    what = command.add_argument_group("what to plan")
    defaults = Options()
    what.add_argument(
        "--target", type=Target, choices=(Target.CILIUM, Target.AWS_VPC_CNI), default=defaults.target
    )
    what.add_argument("--capacity", type=Capacity, choices=list(Capacity), default=defaults.capacity)
    what.add_argument("--surge", type=int, default=defaults.surge, help="extra nodes of each group")
    what.add_argument("--parallel", type=int, default=defaults.parallel, help="nodes in work at once, 1 to 4")
    what.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="EXCEPTION",
        help=f"permit something that is refused: {', '.join(_OUTRIGHT)}, or with a pattern namespace/name: "
        f"{', '.join(f'{name}=PATTERN' for name in _BY_PATTERN)}",
    )
    how = command.add_argument_group("how to print it")
    how.add_argument("--format", choices=["table", "markdown", "json"], default="table")
    how.add_argument("--pods", action="store_true", help="every node's pods in the table and the document")
    return parser


def _options(chosen: argparse.Namespace) -> Options:
    if chosen.surge < (chosen.capacity is Capacity.SURGE):
        raise UserError(f"--surge is {chosen.surge}: at least one extra node is needed to evict pods to")
    if chosen.parallel not in range(1, 5):
        raise UserError(f"--parallel is {chosen.parallel}: allowed are 1 to 4")
    return Options(
        target=chosen.target,
        capacity=chosen.capacity,
        surge=chosen.surge,
        parallel=chosen.parallel,
        allow=_exceptions(chosen.allow),
    )


def _exceptions(written: Sequence[str]) -> Exceptions:
    chosen: dict[str, Any] = {}
    for one in written:
        name, _, pattern = one.partition("=")
        if name in _BY_PATTERN and pattern:
            before = chosen.get(_BY_PATTERN[name], Allowed())
            chosen[_BY_PATTERN[name]] = Allowed((*before.patterns, pattern))
        elif name in _OUTRIGHT and not pattern:
            chosen[_OUTRIGHT[name]] = True
        else:
            raise UserError(
                f"--allow {one}: allowed are {', '.join(_OUTRIGHT)}, and with =namespace/name "
                f"{', '.join(_BY_PATTERN)}"
            )
    return Exceptions(**chosen)


def _facts(chosen: argparse.Namespace) -> Facts:
    credentials = aws.Credentials(region=_region(chosen, os.environ), profile=chosen.profile)
    make = partial(aws.client, credentials)
    with _api(chosen, credentials) as api:
        return read(chosen.cluster, api, make, own_pod=own_pod(os.environ), report=_progress)


def _region(chosen: argparse.Namespace, environment: Mapping[str, str]) -> str:
    region = chosen.region or environment.get("AWS_REGION") or aws.default_region(chosen.profile)
    if not region:
        raise UserError("no region: give --region, or set AWS_REGION, or one in the AWS profile")
    return str(region)


def _api(chosen: argparse.Namespace, credentials: aws.Credentials) -> KubernetesApi:
    if chosen.kubeconfig:
        return api_of(chosen.kubeconfig, chosen.context)
    described = aws.client(credentials, "eks").describe_cluster(name=chosen.cluster)["cluster"]
    return KubernetesApi.for_eks(
        cluster_name=chosen.cluster,
        endpoint=described["endpoint"],
        certificate_authority=base64.b64decode(described["certificateAuthority"]["data"]),
        credentials=credentials,
    )


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{line} ...\n")


def _written(made: Plan, chosen: argparse.Namespace) -> str:
    if chosen.format == "json":
        return json.dumps(report.document(made, pods=chosen.pods), indent=2) + "\n"
    if chosen.format == "markdown":
        return report.markdown(made)
    return report.table(made, pods=chosen.pods)
