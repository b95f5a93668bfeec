"""Mode `replacement`: Cilium in place of the AWS VPC CNI of a running cluster, node by node.

What is registered is the migration itself: the outgoing nodes labelled and written down, aws-node bound to
them, Cilium installed off them, then one resource a node, then aws-node removed. `migration.target:
aws-vpc-cni` registers the way back instead; what the way to Cilium made is deleted at its end, which
uninstalls Cilium, gives aws-node its own affinity back and takes the labels off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cilium import Cilium, OperatorRole
from components.cluster.kubeconfig import kubeconfig
from components.cni_migration import CniMigration, CniMigrationArgs, CniRollback
from components.naming import CLUSTER_TAG, tagged
from eks_cilium.cilium.masquerade import Masquerade, decide
from eks_cilium.cilium.values import EniMode, eni_values
from eks_cilium.cilium.versions import RELEASES
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.cluster.existing import AUDIENCE, ExistingCluster, find
from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL, STACK_TAG
from eks_cilium.dynamic.chaining.chained_agents import Unchaining
from eks_cilium.dynamic.replacement.aws_node_affinity import AwsNodeAffinity
from eks_cilium.dynamic.replacement.node_inventory import NodeInventory, in_short, written
from eks_cilium.dynamic.shell.cluster import world_of
from eks_cilium.dynamic.shell.planning import part_of
from eks_cilium.dynamic.shell.rules import rules_of
from eks_cilium.migration import report
from eks_cilium.migration.run import Run
from eks_cilium.migration.start import Beginning, begin
from eks_cilium.settings.problems import UNSET, Problem, set_command
from stacks.kubernetes_versions import refuse_old_kubernetes
from stacks.running_cluster import for_good, readable, without_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.settings.model import ReplacementSettings


@dataclass(frozen=True)
class Found:
    """The cluster and where its migration stands."""

    cluster: ExistingCluster
    beginning: Beginning


def look(settings: ReplacementSettings) -> Found | None:
    """Read the cluster; None while there is none."""
    credentials = Credentials(region=settings.region, profile=settings.profile)
    cluster = find(
        settings.cluster.name,
        lambda service: client(credentials, service),
        subnets=settings.cilium.subnet_ids,
    )
    if cluster is None:
        return None
    shared = shared_inputs(settings)
    with world_of(shared) as world:
        rules = rules_of(shared["target"], shared["rules"])
        return Found(cluster, begin(Run(world, rules, pulumi.log.debug)))


def run(
    settings: ReplacementSettings, look: Callable[[ReplacementSettings], Found | None] = look
) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    with readable(settings.cluster.name), for_good():
        found = look(settings)
    if found is None:
        return without_cluster(
            settings.cluster.name,
            settings.region,
            unknown="its nodes and pods are",
            next_commands=next_commands(settings),
        )
    return Replacement(settings, found).exports()


class Replacement:
    """The resources of one stack in this mode, in the order in which they are made."""

    def __init__(self, settings: ReplacementSettings, found: Found) -> None:
        self._settings, self._cluster, self._beginning = settings, found.cluster, found.beginning
        self._foreseen = found.beginning.plan if pulumi.runtime.is_dry_run() else None
        self._name = settings.cilium.cluster_name or settings.cluster.name
        self._tags = {**settings.tags, CLUSTER_TAG: self._cluster.name}
        self._kubeconfig = kubeconfig(
            name=self._cluster.name,
            region=settings.region,
            endpoint=self._cluster.endpoint,
            certificate_authority=self._cluster.certificate_authority,
            profile=settings.profile,
        )
        self._aws = aws.Provider("aws", region=settings.region, profile=settings.profile)
        self._show_plan()
        if settings.migration.target == "cilium":
            self._inventory = self._migrate()
        else:
            self._inventory = self._roll_back()

    def exports(self) -> dict[str, Any]:
        """What people need: access, the plan as it was before the first change, what to type."""
        cluster, settings, plan = self._cluster, self._settings, self._plan()
        return {
            "kubeconfig": self._kubeconfig,
            "cluster": {
                "name": cluster.name,
                "region": settings.region,
                "ciliumName": self._name,
                "arn": cluster.arn,
                "endpoint": cluster.endpoint,
                "kubernetesVersion": cluster.version,
                "target": settings.migration.target,
                "ciliumVersion": settings.cilium.version,
            },
            "planMarkdown": plan.apply(lambda written: written["markdown"]),
            "planJson": plan.apply(lambda written: written["json"]),
            "nextCommands": next_commands(settings),
        }

    def _plan(self) -> pulumi.Output[dict[str, str]]:
        """Until it is taken, the inventory can not show the plan it will be taken by."""
        if self._foreseen is not None:
            return pulumi.Output.from_input(written(self._foreseen))
        return self._inventory.plan

    def _show_plan(self) -> None:
        if self._foreseen is not None:
            pulumi.log.info(report.table(self._foreseen))

    def _migrate(self) -> NodeInventory:
        refuse_old_kubernetes(RELEASES[self._settings.cilium.version], self._cluster.version)
        self._refuse_unknown_subnets()
        inventory = NodeInventory(self._name, self._inventory_args())
        operation = self._operation(inventory)
        bound = AwsNodeAffinity(self._name, operation, pulumi.ResourceOptions(depends_on=[inventory]))
        unchained = Unchaining(self._name, operation, pulumi.ResourceOptions(depends_on=[bound]))
        cilium = self._make_cilium(unchained)
        CniMigration(self._name, self._steps(operation), pulumi.ResourceOptions(depends_on=[bound, cilium]))
        return inventory

    def _roll_back(self) -> NodeInventory:
        inventory = NodeInventory(f"{self._name}-back", self._inventory_args())
        steps = self._steps(self._operation(inventory))
        CniRollback(self._name, steps, pulumi.ResourceOptions(depends_on=[inventory]))
        return inventory

    def _inventory_args(self) -> Any:
        return {
            **shared_inputs(self._settings),
            "nodes": list(self._beginning.nodes),
            "left": self._beginning.left,
            **part_of(self._foreseen, in_short),
        }

    def _operation(self, inventory: NodeInventory) -> OperationArgs:
        return {**shared_inputs(self._settings), "migration": inventory.taken}

    def _steps(self, operation: OperationArgs) -> CniMigrationArgs:
        return {
            "operation": operation,
            "nodes": self._beginning.nodes,
            "left": self._beginning.left,
            "parallel": self._settings.migration.parallel,
            "plan": self._foreseen,
        }

    def _make_cilium(self, unchained: Unchaining) -> Cilium:
        """After aws-node is bound and no chained agent is left: from then on new nodes are Cilium's."""
        role = self._make_operator_role()
        provider = kubernetes.Provider(
            self._name, kubeconfig=self._kubeconfig, cluster_identifier=self._cluster.arn
        )
        return Cilium(
            f"{self._name}-cilium",
            {
                "version": self._settings.cilium.version,
                "chart_repository": self._settings.cilium.chart_repository,
                "values": eni_values(self._eni_mode(role)),
            },
            pulumi.ResourceOptions(providers=[provider], depends_on=[unchained, role]),
        )

    def _make_operator_role(self) -> OperatorRole:
        cluster = self._cluster
        return OperatorRole(
            f"{self._name}-cilium-operator",
            {
                "cluster_name": cluster.name,
                "region": self._settings.region,
                "account": cluster.account,
                "vpc_id": cluster.vpc_id,
                "subnet_ids": self._cluster.subnet_ids,
                "oidc_provider_arn": self._identity_provider(),
                "oidc_issuer": cluster.issuer,
                "node_tag": (f"kubernetes.io/cluster/{cluster.name}", "owned"),
                "tags": self._tags,
            },
            pulumi.ResourceOptions(providers=[self._aws]),
        )

    def _refuse_unknown_subnets(self) -> None:
        """Without them Cilium would put pods anywhere; a plan that is refused says more about why."""
        plan = self._beginning.plan
        if not self._cluster.subnet_ids and (plan is None or plan.clean):
            path = ("cilium", "subnetIds")
            allowed = "the subnets of the nodes: no Auto Scaling group carries the tag of this cluster"
            problem = Problem(path, UNSET, allowed, set_command(path, ["subnet-0123456789abcdef0"]))
            raise pulumi.RunError(str(problem))

    def _identity_provider(self) -> pulumi.Input[str]:
        """The cluster's own one, whoever made it. What this stack made is told from others by its tag."""
        cluster, mine = self._cluster, f"{pulumi.get_project()}/{pulumi.get_stack()}"
        found = cluster.oidc_provider
        if found is not None and found.tags.get(STACK_TAG) != mine:
            if AUDIENCE not in found.audiences:
                raise pulumi.RunError(_without_audience(found.arn))
            return found.arn
        made = aws.iam.OpenIdConnectProvider(
            f"{self._name}-oidc",
            url=f"https://{cluster.issuer}",
            client_id_lists=[AUDIENCE],
            tags=tagged(self._tags, f"{self._name}-oidc", **{STACK_TAG: mine}),
            opts=pulumi.ResourceOptions(provider=self._aws),
        )
        return made.arn

    def _eni_mode(self, role: OperatorRole) -> EniMode:
        wanted, cluster = self._settings.cilium, self._cluster
        release, subnets = RELEASES[wanted.version], list(cluster.subnet_ids)
        endpoint = urlsplit(cluster.endpoint)
        return EniMode(
            release=release,
            cluster_name=self._name,
            region=self._settings.region,
            api_host=endpoint.hostname,
            api_port=str(endpoint.port or 443),
            operator_role_arn=role.arn,
            subnet_filter=subnets if release.filters_are_lists else " ".join(subnets),
            vpc_cidr=cluster.cidr,
            masquerade=self._masquerade(),
            interface_tags=self._tags,
            cluster_id=wanted.cluster_id,
            kube_proxy_replacement=False,
            prefix_delegation=wanted.prefix_delegation,
            encryption=wanted.encryption,
            operator_replicas=wanted.operator_replicas,
            hubble_enabled=wanted.hubble.enabled,
            hubble_relay=wanted.hubble.relay,
            hubble_ui=wanted.hubble.ui,
            beside=(CNI_LABEL, AWS_CNI),
            extra=wanted.values,
        )

    def _masquerade(self) -> Masquerade:
        try:
            return decide(
                self._cluster.subnet_kinds,
                self._beginning.image_families,
                wanted=self._settings.cilium.masquerade_wanted,
                interfaces=self._settings.cilium.egress_masquerade_interfaces,
            )
        except ValueError as error:
            path = ("cilium", "egressMasqueradeInterfaces")
            raise pulumi.RunError(
                str(
                    Problem(
                        path, UNSET, f"the interfaces of all nodes: {error}", set_command(path, "eth+,ens+")
                    )
                )
            ) from None


def shared_inputs(settings: ReplacementSettings) -> OperationArgs:
    """The inputs of every resource of the migration; of its rules what differs from the defaults."""
    rules = settings.migration.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"target"}
    )
    return {
        "cluster_name": settings.cluster.name,
        "region": settings.region,
        "profile": settings.profile,
        "target": settings.migration.target,
        "rules": rules,
    }


def next_commands(settings: ReplacementSettings) -> list[str]:
    """What to type to look at the result, or at what is left to do."""
    where = f"--region {settings.region}" + (f" --profile {settings.profile}" if settings.profile else "")
    name, target = settings.cluster.name, settings.migration.target
    new = "daemonset/cilium" if target == "cilium" else "daemonset/aws-node"
    return [
        f"aws eks update-kubeconfig {where} --name {name}",
        f"kubectl get nodes -L {CNI_LABEL}",
        f"kubectl -n kube-system rollout status {new}",
        f"python -m migration plan {where} --cluster {name} --target {target}",
    ]


def _without_audience(arn: str) -> str:
    return (
        f"the identity provider {arn} does not take tokens for {AUDIENCE}, so Cilium's operator "
        "would get no rights\n"
        f"  fix: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {arn} "
        f"--client-id {AUDIENCE}"
    )
