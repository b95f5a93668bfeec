"""The command `eks-cilium verdict`: who may reach whom in running clusters. It changes nothing.

Ends with 0; with 2 when `--expect` names another verdict than was found; with 1 when nothing could be judged.
"""

from __future__ import annotations

import argparse
import fnmatch
import ipaddress
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from eks_cilium.errors import ProgramError, UserError
from eks_cilium.policy import report
from eks_cilium.policy.objects import parse_ports
from eks_cilium.policy.verdict.changes import changed_verdicts, selector_changes
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.live import LiveCluster, live_cluster
from eks_cilium.policy.verdict.model import Address, Decision, Endpoint, Entity, Flow, Port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.policy.verdict.changes import SelectorChange
    from eks_cilium.policy.verdict.live import ClusterObjects, Workload
    from eks_cilium.policy.verdict.model import Verdict

    Read = Callable[[Path, str], ClusterObjects]
    """Reads the cluster that a context of a kubeconfig names."""

FINE, UNREADABLE, OTHERWISE = 0, 1, 2
_MOST = 500
_EPILOG = """\
An END is CLUSTER/NAMESPACE[/LABEL=VALUE,...] with * and ?, an IPv4 address in no cluster, or entity:NAME such
as entity:kube-apiserver. Without --port, the ports are those the pods say they listen on.
Exit status: 0 judged, 2 not as --expect says, 1 nothing could be judged."""


class _Parser(argparse.ArgumentParser):
    """Ends with our own status for a wrong command line, since argparse's 2 says something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UNREADABLE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str], read: Read) -> int:
    """Run a command line; returns its exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        found = _clusters(chosen, read)
        flows = list(_flows(chosen, found))
    except ProgramError as error:
        sys.stderr.write(f"no verdict: {error}\n")
        return UNREADABLE
    world = Evaluator(one.cluster for one in found)
    verdicts = [world.evaluate(flow) for flow in flows]
    changed = selector_changes(policy for one in found for policy in one.cluster.policies)
    sys.stdout.write(_written(chosen, world, found, verdicts, changed))
    unexpected = chosen.expect and any(str(one.decision) != chosen.expect for one in verdicts)
    return OTHERWISE if unexpected else FINE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m eks_cilium.policy.verdict",
        description="Say who may reach whom in running clusters, by Cilium's policies.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--context", action="append", required=True, metavar="NAME", help="a cluster; repeat it for each"
    )
    parser.add_argument(
        "--kubeconfig", type=Path, default=_kubeconfig(), help="default: $KUBECONFIG, or kubectl's"
    )
    parser.add_argument("--from", dest="source", default="*/*", metavar="END", help="default: every pod")
    parser.add_argument("--to", dest="destination", default="*/*", metavar="END", help="default: every pod")
    parser.add_argument("--port", action="append", default=[], help="such as 8080/TCP; may be repeated")
    parser.add_argument("--expect", choices=[Decision.ALLOWED.value, Decision.DENIED.value])
    parser.add_argument("--format", choices=["table", "markdown", "json"], default="table")
    return parser


def _kubeconfig() -> Path:
    """The file kubectl would take; the first one where the variable names several."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else Path.home() / ".kube" / "config"


def _clusters(chosen: argparse.Namespace, read: Read) -> list[LiveCluster]:
    found: dict[str, LiveCluster] = {}
    for context in chosen.context:
        one = live_cluster(read(chosen.kubeconfig, context))
        if one.cluster.name in found:
            raise UserError(
                f"context {context} is a second cluster called {one.cluster.name}: clusters of a mesh have "
                "names of their own (cluster.name of Cilium's chart)"
            )
        found[one.cluster.name] = one
    return list(found.values())


def _flows(chosen: argparse.Namespace, found: Sequence[LiveCluster]) -> Iterator[Flow]:
    sources, destinations = _ends(chosen.source, "--from", found), _ends(chosen.destination, "--to", found)
    given = tuple(map(_port, chosen.port))
    pairs = [
        (source, destination, port)
        for source, _ in sources
        for destination, listening in destinations
        if source is not destination
        for port in given or listening or (Port(1, "TCP", "every port"),)
    ]
    if len(pairs) > _MOST:
        raise UserError(f"{len(pairs)} flows are too many to read: choose with --from, --to and --port")
    yield from (Flow(source, destination, port) for source, destination, port in pairs)


def _port(text: str) -> Port:
    try:
        found = parse_ports(text)
    except ValueError as error:
        raise UserError(f"--port: {error}") from error
    return Port(found.first, found.protocol, str(found))


def _ends(text: str, option: str, found: Sequence[LiveCluster]) -> list[tuple[Endpoint, tuple[Port, ...]]]:
    """The ends a text means, each with the ports it listens on as far as anybody knows."""
    if text.startswith("entity:"):
        return [(Entity(text.removeprefix("entity:")), ())]
    if _is_address(text):
        return [(Address(text), ())]
    cluster, _, rest = text.partition("/")
    namespace, _, labels = rest.partition("/")
    if not namespace:
        raise UserError(f"{option} {text} is no end: see --help")
    workloads = [one for each in found for one in each.workloads if _meant(one, cluster, namespace, labels)]
    if not workloads:
        clusters = ", ".join(one.cluster.name for one in found)
        raise UserError(f"{option} {text} means no pod that Cilium serves in {clusters}")
    return [(one.pod, one.ports) for one in workloads]


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _meant(one: Workload, cluster: str, namespace: str, labels: str) -> bool:
    wanted = [part.partition("=") for part in labels.split(",") if part]
    return (
        fnmatch.fnmatchcase(one.pod.cluster, cluster)
        and fnmatch.fnmatchcase(one.pod.namespace, namespace)
        and all(fnmatch.fnmatchcase(one.pod.labels.get(key, ""), value) for key, _, value in wanted)
    )


def _written(
    chosen: argparse.Namespace,
    world: Evaluator,
    found: Sequence[LiveCluster],
    verdicts: Sequence[Verdict],
    changed: Sequence[SelectorChange],
) -> str:
    if chosen.format == "json":
        return json.dumps(report.document(verdicts, world.not_evaluated, changed), indent=2) + "\n"
    if chosen.format == "markdown":
        return report.markdown(verdicts)
    blocks = ["\n".join(map(_headline, found)), report.table(verdicts)]
    if world.not_evaluated:
        blocks.append(
            "\n".join(
                ["Not judged:", *(f"  {line}" for line in report.not_evaluated_lines(world.not_evaluated))]
            )
        )
    if changed:
        blocks.append("\n".join(["Read differently from Cilium 1.19 on:", *(f"  {one}" for one in changed)]))
        blocks += _differences(world, verdicts)
    return "\n\n".join(blocks) + "\n"


def _headline(one: LiveCluster) -> str:
    count = sum(len(workload.names) for workload in one.workloads)
    unserved = f", {one.unmanaged_pods} pods beside them are not under policies" if one.unmanaged_pods else ""
    cluster = one.cluster
    return (
        f"{cluster.name}: {len(cluster.policies)} policies, {count} pods of {len(one.workloads)} identities"
        f"{unserved}; a selector without a cluster means {cluster.selector_scope}; enforcement {cluster.mode}"
    )


def _differences(world: Evaluator, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Of the flows above, those whose verdict would be another one."""
    others = changed_verdicts(world.clusters, [one.flow for one in verdicts])
    if others:
        lines = (f"  {old.flow}: {old.decision}, from 1.19 on {new.decision}" for old, new in others)
        yield "\n".join(["Of the traffic above it changes:", *lines])
