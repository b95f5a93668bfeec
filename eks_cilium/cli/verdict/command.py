"""The command `eks-cilium verdict`: who may reach whom in running clusters, by their network policies."""

from collections.abc import Iterable, Sequence

import typer

from eks_cilium.cli.commands import new_app
from eks_cilium.cli.output import BLOCKED, FINE, Format, FormatOption, show
from eks_cilium.cli.sources import Sources
from eks_cilium.cli.verdict import printing, survey
from eks_cilium.cli.verdict.options import (
    MOST_FLOWS,
    MOST_IN_JSON,
    ContextsOption,
    DestinationOption,
    ExpectOption,
    KubeconfigFileOption,
    PortsOption,
    RowsOption,
    SourceOption,
    WhyOption,
)
from eks_cilium.cli.verdict.printing import Judged
from eks_cilium.cli.verdict.survey import Surveyed
from eks_cilium.cli.verdict.traffic import Traffic, traffic_between
from eks_cilium.errors import UserError
from eks_cilium.policy.overview.building import overview
from eks_cilium.policy.overview.places import place_of
from eks_cilium.policy.verdict.changes import SelectorChange, selector_changes
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.live import LiveCluster, live_cluster
from eks_cilium.policy.verdict.model import Decision, Flow, SelectorScope
from eks_cilium.policy.verdict.ranges import verdicts_on
from eks_cilium.policy.why import Explainer

_EPILOG = """\
[bold]Endpoints[/bold] of --from and --to are one of

  CLUSTER/NAMESPACE\\[/LABEL=VALUE,...]  pods; * and ? stand for any text
  203.0.113.10                         an IPv4 address outside of all clusters
  entity:NAME                          as in policies: entity:kube-apiserver

An address that a pod or a node has stands for that pod or node. Without --port, every pod is judged
at the ports its containers declare. More than 100 flows are grouped by namespace and workload, the
most open first; --format json has all of them.

[bold]Examples[/bold]

  eks-cilium verdict
  eks-cilium verdict --context cluster-1 --context cluster-2
  eks-cilium verdict --context cluster-1 --context cluster-2 \\
      --from 'cluster-1/shop' --to 'cluster-2/*'
  eks-cilium verdict --context cluster-1 --from 'cluster-1/shop/app=web' \\
      --to 203.0.113.10 --port 443/TCP --expect denied
  eks-cilium verdict --context cluster-1 --from 'cluster-1/shop/app=web' \\
      --to 'cluster-1/payments/app=api' --port 8080/TCP --why

Exit status: 0 judged, 2 a verdict is not as --expect says, 1 nothing could be judged
or the command line is wrong.

It needs read access to policies, CiliumCIDRGroups, pods, CiliumEndpoints and ConfigMap
kube-system/cilium-config; also to Services and, where there are any, to ClusterNetworkPolicies,
CiliumNodeConfigs and the EndpointSlices of Services that policies name."""

MOST_EXPLAINED = 20
"""More explanations than that are no answer to a question about a flow."""


app = new_app()


@app.command(epilog=_EPILOG)
def verdict(
    ctx: typer.Context,
    *,
    context: ContextsOption = None,
    kubeconfig_file: KubeconfigFileOption = None,
    source: SourceOption = "*/*",
    destination: DestinationOption = "*/*",
    port: PortsOption = None,
    expect: ExpectOption = None,
    why: WhyOption = False,
    rows: RowsOption = 40,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say who may reach whom in running clusters, by their network policies. It changes nothing.

    Reads CiliumNetworkPolicies, CiliumClusterwideNetworkPolicies and NetworkPolicies as Cilium's agents do,
    with the meaning of the version each cluster runs, and names the rule behind every verdict. It judges
    policies, not packets: routes, security groups and proxies are no part of it.
    """
    sources: Sources = ctx.obj or Sources()
    clusters = _clusters(
        (name, live_cluster(sources.objects(kubeconfig_file, name))) for name in context or ("",)
    )
    traffic = traffic_between(clusters, source, destination, port or ())
    most = MOST_IN_JSON if form is Format.JSON else MOST_FLOWS
    if traffic.count > most and not why:
        decisions = _show_overview(form, clusters, traffic, rows)
    else:
        decisions = _show_flows(form, judged(clusters, tuple(traffic.flows()), why=why))
    raise typer.Exit(BLOCKED if expect and decisions - {Decision(expect)} else FINE)


def judged(clusters: Sequence[LiveCluster], flows: Sequence[Flow], *, why: bool = False) -> Judged:
    """Judge every flow by the policies of the clusters it begins and ends in; `why` also explains each.

    Raises UserError where more verdicts than `MOST_EXPLAINED` would have to be explained.
    """
    if why and len(flows) > MOST_EXPLAINED:
        raise _too_many(len(flows))
    evaluator = Evaluator(each.cluster for each in clusters)
    verdicts = tuple(verdict for flow in flows for verdict in verdicts_on(evaluator, flow))
    if why and len(verdicts) > MOST_EXPLAINED:
        raise _too_many(len(verdicts))
    explainer = Explainer(evaluator.clusters) if why else None
    explanations = tuple(map(explainer.explain, verdicts)) if explainer else ()
    return Judged(tuple(clusters), evaluator, verdicts, _selector_changes(clusters), explanations)


def surveyed(clusters: Sequence[LiveCluster], traffic: Traffic) -> Surveyed:
    """Judge traffic of more flows than a person reads, grouped by namespace and workload."""
    evaluator = Evaluator(each.cluster for each in clusters)
    sources = [(end.endpoint, place_of(end.endpoint, end.workload)) for end in traffic.sources]
    destinations = [
        (end.endpoint, place_of(end.endpoint, end.workload), traffic.ports_of(end))
        for end in traffic.destinations
    ]
    found = overview(evaluator, sources, destinations)
    return Surveyed(tuple(clusters), evaluator, found, _selector_changes(clusters))


def _too_many(count: int) -> UserError:
    return UserError(
        f"--why explains at most {MOST_EXPLAINED} verdicts, and these are {count}: "
        "choose fewer with --from, --to and --port"
    )


def _selector_changes(clusters: Iterable[LiveCluster]) -> tuple[SelectorChange, ...]:
    older = (each.cluster for each in clusters if each.cluster.selector_scope is SelectorScope.ANY_CLUSTER)
    return tuple(selector_changes(policy for cluster in older for policy in cluster.policies))


def _show_flows(form: Format, found: Judged) -> frozenset[Decision]:
    show(
        form,
        text=lambda: printing.text(found),
        markdown=lambda: printing.markdown(found),
        document=lambda: printing.document(found),
        pretty=lambda: printing.pretty(found),
    )
    return frozenset(each.decision for each in found.verdicts)


def _show_overview(
    form: Format, clusters: Sequence[LiveCluster], traffic: Traffic, most: int
) -> frozenset[Decision]:
    found = surveyed(clusters, traffic)
    show(
        form,
        text=lambda: survey.text(found, most),
        markdown=lambda: survey.markdown(found, most),
        document=lambda: survey.document(found),
        pretty=lambda: survey.pretty(found, most),
    )
    return found.overview.decisions


def _clusters(by_context: Iterable[tuple[str, LiveCluster]]) -> list[LiveCluster]:
    found: dict[str, LiveCluster] = {}
    contexts: dict[str, str] = {}
    for context, live in by_context:
        name = live.cluster.name
        if name in found:
            raise UserError(
                f"context {context} is a second cluster called {name}, like context {contexts[name]}: "
                "clusters of a mesh have names of their own (cluster.name of Cilium's chart)"
            )
        found[name], contexts[name] = live, context
    return list(found.values())
