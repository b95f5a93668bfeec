"""Mode `replacement`: Cilium in place of the AWS VPC CNI of a running cluster, node by node.

The steps of the migration are registered as resources: the outgoing nodes are labelled and recorded, aws-node
is bound to them, Cilium is installed on all other nodes, then every node is replaced by a resource of its
own, then aws-node is removed. `migration.target: aws-vpc-cni` registers the rollback instead. What only the
migration registered is deleted at the rollback's end: that uninstalls Cilium, restores the affinity that
aws-node had and removes the labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pulumi
import pulumi_aws as aws

from components.cilium import Cilium, OperatorRole
from components.cni_migration import CniMigration, CniMigrationArgs, CniRollback, what_stays
from components.naming import CLUSTER_TAG, tagged
from eks_cilium.cilium.decided import PORT_MAP
from eks_cilium.cilium.masquerade import Masquerade, decide
from eks_cilium.cilium.versions import release_of
from eks_cilium.clients.aws import client
from eks_cilium.cluster.existing import AUDIENCE
from eks_cilium.cluster.names import AWS_CNI, CNI_LABEL, STACK_TAG
from eks_cilium.dynamic.chaining.chained_agents import Unchaining
from eks_cilium.dynamic.replacement.aws_node_affinity import AwsNodeAffinity
from eks_cilium.dynamic.replacement.node_inventory import NodeInventory, exported, summary
from eks_cilium.dynamic.shell.planning import handed_over
from eks_cilium.dynamic.shell.runs import migration_run
from eks_cilium.migration import report
from eks_cilium.migration.options import CiliumChoices
from eks_cilium.migration.part import unmatched
from eks_cilium.migration.start import MigrationStart, read_start
from eks_cilium.settings.problems import UNSET, Problem, set_fix
from stacks import iam_roles
from stacks.accounts import aws_provider
from stacks.cilium_eni import EniCluster, register_eni_cilium
from stacks.cilium_upgrades import check_upgrade
from stacks.cilium_versions import check_kubernetes
from stacks.outputs import own_outputs
from stacks.running_cluster import (
    ClusterReading,
    aws_options,
    cilium_name,
    exports_without_cluster,
    in_preview,
    kubeconfig_of,
    kubernetes_provider,
    read_cluster,
    read_once,
    warn_of_stop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.cluster.existing import OidcProvider
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.part import Part
    from eks_cilium.settings.model import CiliumBesideKubeProxy, ReplacementSettings

Reading: TypeAlias = ClusterReading[MigrationStart]


def read(settings: ReplacementSettings) -> Reading | None:
    """Read the cluster and its nodes; None while EKS has no such cluster."""
    inputs = shared_inputs(settings)
    return read_cluster(
        inputs,
        lambda world: read_start(migration_run(inputs, pulumi.log.debug)(world)),
        subnets=settings.cilium.subnet_ids,
    )


def run(
    settings: ReplacementSettings,
    read: Callable[[ReplacementSettings], Reading | None] = read,
    aws_client: ClientOf = client,
) -> dict[str, Any]:
    """Read the cluster, check it, register everything and return what the stack exports."""
    reading = read_once(settings, read)
    if reading is None:
        return exports_without_cluster(
            settings, unknown="its nodes and pods are", next_commands=next_commands(settings)
        )
    show(settings, reading)
    iam_roles.check_limits(settings, own_outputs().get("cluster") or {}, aws_client)
    iam_roles.limit_roles(settings.iam)
    if settings.migration.target == "cilium":
        check(settings, reading)
        inventory = register_migration(settings, reading)
    else:
        inventory = register_rollback(settings, reading)
    return exports(settings, reading, inventory)


def show(settings: ReplacementSettings, reading: Reading) -> None:
    """Print the plan in a preview, before the first change; warn where a user asked runs to stop."""
    warn_of_stop(settings, reading.start.stop)
    plan = in_preview(reading.start.plan)
    if plan is not None:
        pulumi.log.info(report.table(plan))


def check(settings: ReplacementSettings, reading: Reading) -> None:
    """Refuse a cluster in which Cilium could not run. Raises RunError.

    Only a migration to Cilium needs this: a rollback has to work in every cluster.
    """
    check_kubernetes(release_of(settings.cilium.version), reading.cluster.version)
    check_upgrade(reading.cilium, settings.cilium.version)
    _check_subnets(reading)
    _check_identity_provider(reading)
    _check_part(settings, reading)
    _masquerade(settings, reading)


def register_migration(settings: ReplacementSettings, reading: Reading) -> NodeInventory:
    """Register every step to Cilium, each after the one before."""
    name, provider = cilium_name(settings), _aws_provider(settings)
    inventory = NodeInventory(name, _inventory_args(settings, reading))
    operation = _operation(settings, inventory)
    bound = AwsNodeAffinity(name, operation, pulumi.ResourceOptions(depends_on=[inventory]))
    unchained = Unchaining(name, operation, pulumi.ResourceOptions(depends_on=[bound]))
    cilium = _register_cilium(settings, reading, provider, unchained)
    steps = _steps(settings, reading, operation)
    CniMigration(name, steps, pulumi.ResourceOptions(depends_on=[bound, cilium]))
    return inventory


def register_rollback(settings: ReplacementSettings, reading: Reading) -> NodeInventory:
    """Register every step back to the AWS VPC CNI; other names, so that the migration's steps are deleted."""
    name = cilium_name(settings)
    # The provider has to stay in the stack: resources of the migration are deleted through it.
    _aws_provider(settings)
    inventory = NodeInventory(f"{name}-back", _inventory_args(settings, reading))
    steps = _steps(settings, reading, _operation(settings, inventory))
    CniRollback(name, steps, pulumi.ResourceOptions(depends_on=[inventory]))
    return inventory


def exports(settings: ReplacementSettings, reading: Reading, inventory: NodeInventory) -> dict[str, Any]:
    """What people need: access, the plan before the first change in numbers, what to type next."""
    cluster = reading.cluster
    return {
        "kubeconfig": kubeconfig_of(settings, cluster),
        "cluster": {
            "name": cluster.name,
            "region": settings.region,
            "ciliumName": cilium_name(settings),
            "arn": cluster.arn,
            "endpoint": cluster.endpoint,
            "kubernetesVersion": cluster.version,
            "target": settings.migration.target,
            "ciliumVersion": settings.cilium.version,
            iam_roles.ROLE_PATH: settings.iam.path,
        },
        "plan": _exported_plan(reading, inventory),
        **_part_exports(reading),
        "nextCommands": next_commands(settings, reading.start.part),
    }


def shared_inputs(settings: ReplacementSettings) -> OperationArgs:
    """The inputs of every resource of the migration; of its options those that differ from the defaults."""
    inputs: OperationArgs = {
        "cluster_name": settings.cluster.name,
        "region": settings.region,
        "profile": settings.profile,
        "target": settings.migration.target,
        "options": settings.migration.changed(without=["target"]),
        "cilium": choices(settings.cilium).changed(),
    }
    if settings.accounts:
        inputs["accounts"] = settings.accounts
    return inputs


def choices(cilium: CiliumBesideKubeProxy) -> CiliumChoices:
    """What the plan has to know of Cilium's configuration."""
    cni = cilium.values.get("cni") or {}
    return CiliumChoices(
        prefix_delegation=cilium.prefix_delegation,
        exclusive=cni.get("exclusive") is not False,
        port_map=cni.get("chainingMode") == PORT_MAP,
        subnets=tuple(cilium.subnet_ids),
    )


def _part_exports(reading: Reading) -> dict[str, Any]:
    """What a part (`migration.only`) leaves as it is; nothing where all nodes are replaced."""
    part = reading.start.part
    if part is None:
        return {}
    every = len(part.nodes) + len(part.left_out)
    return {"canary": {"nodes": len(part.nodes), "ofNodes": every, "stays": what_stays(part)}}


def next_commands(settings: ReplacementSettings, part: Part | None = None) -> list[str]:
    """What to type to see the result, or what is left to do; with a part, how the rest goes on."""
    options, name, target = aws_options(settings), settings.cluster.name, settings.migration.target
    new = "daemonset/cilium" if target == "cilium" else "daemonset/aws-node"
    rest = [
        f"eks-cilium status {options} --cluster {name}",
        "pulumi config rm --path eks-cilium:migration.only  # then the rest; policies are paused until then",
    ]
    return [
        f"aws eks update-kubeconfig {options} --name {name}",
        f"kubectl get nodes -L {CNI_LABEL}",
        f"kubectl -n kube-system rollout status {new}",
        f"eks-cilium plan {options} --cluster {name} --target {target}",
        *(rest if part else ()),
    ]


def _aws_provider(settings: ReplacementSettings) -> aws.Provider:
    return aws_provider("aws", settings)


def _inventory_args(settings: ReplacementSettings, reading: Reading) -> Any:
    return {
        **shared_inputs(settings),
        "nodes": list(reading.start.nodes),
        "left": reading.start.left,
        **handed_over(in_preview(reading.start.plan), summary),
    }


def _operation(settings: ReplacementSettings, inventory: NodeInventory) -> OperationArgs:
    return {**shared_inputs(settings), "migration": inventory.taken}


def _steps(settings: ReplacementSettings, reading: Reading, operation: OperationArgs) -> CniMigrationArgs:
    return {
        "operation": operation,
        "nodes": reading.start.nodes,
        "part": reading.start.part,
        "left": reading.start.left,
        "given_up": reading.start.given_up,
        "again": reading.start.again,
        "parallel": settings.migration.parallel,
        "groups": reading.start.group_of,
        "plan": in_preview(reading.start.plan),
        "policy_mode": settings.cilium.policy_mode,
    }


def _exported_plan(reading: Reading, inventory: NodeInventory) -> pulumi.Output[dict[str, Any]]:
    """In the first preview the inventory does not exist yet, so it cannot supply the plan."""
    plan = in_preview(reading.start.plan)
    return inventory.plan if plan is None else pulumi.Output.from_input(exported(plan))


def _register_cilium(
    settings: ReplacementSettings, reading: Reading, provider: aws.Provider, after: pulumi.Resource
) -> Cilium:
    """Register Cilium after aws-node is bound and no chained agent is left: it serves all new nodes."""
    tags = {**settings.tags, CLUSTER_TAG: reading.cluster.name}
    role = _register_operator_role(settings, reading, provider, tags)
    cluster = EniCluster(
        name=cilium_name(settings),
        region=settings.region,
        endpoint=reading.cluster.endpoint,
        vpc_cidrs=reading.cluster.cidrs or (reading.cluster.cidr,),
        node_subnet_ids=reading.cluster.subnet_ids,
        masquerade=_masquerade(settings, reading),
        tags=tags,
        other_cni=(CNI_LABEL, AWS_CNI),
        present=reading.cilium,
    )
    opts = pulumi.ResourceOptions(
        providers=[kubernetes_provider(settings, reading.cluster)], depends_on=[after, role]
    )
    return register_eni_cilium(cluster, settings.cilium, role, opts)


def _register_operator_role(
    settings: ReplacementSettings, reading: Reading, provider: aws.Provider, tags: dict[str, str]
) -> OperatorRole:
    cluster, name = reading.cluster, cilium_name(settings)
    return OperatorRole(
        f"{name}-cilium-operator",
        {
            "cluster_name": cluster.name,
            "region": settings.region,
            "account": cluster.account,
            "vpc_id": cluster.vpc_id,
            "subnet_ids": cluster.subnet_ids,
            "oidc_provider_arn": _identity_provider(name, reading, provider, tags),
            "oidc_issuer": cluster.issuer,
            "node_tag": (f"kubernetes.io/cluster/{cluster.name}", "owned"),
            "tags": tags,
        },
        pulumi.ResourceOptions(providers=[provider]),
    )


def _identity_provider(
    name: str, reading: Reading, provider: aws.Provider, tags: dict[str, str]
) -> pulumi.Input[str]:
    """ARN of the cluster's IAM identity provider, registered here if no other stack or tool created it."""
    existing = _foreign_identity_provider(reading)
    if existing is not None:
        return existing.arn
    created = aws.iam.OpenIdConnectProvider(
        f"{name}-oidc",
        url=f"https://{reading.cluster.issuer}",
        client_id_lists=[AUDIENCE],
        tags=tagged(tags, f"{name}-oidc", **{STACK_TAG: _this_stack()}),
        opts=pulumi.ResourceOptions(provider=provider),
    )
    return created.arn


def _foreign_identity_provider(reading: Reading) -> OidcProvider | None:
    """The identity provider, unless its tag says that this stack created it: then it stays registered."""
    found = reading.cluster.oidc_provider
    return None if found is None or found.tags.get(STACK_TAG) == _this_stack() else found


def _this_stack() -> str:
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def _check_identity_provider(reading: Reading) -> None:
    found = _foreign_identity_provider(reading)
    if found is not None and AUDIENCE not in found.audiences:
        raise pulumi.RunError(
            f"the identity provider {found.arn} does not take tokens for {AUDIENCE}, so Cilium's operator "
            "would get no rights\n"
            "  fix: aws iam add-client-id-to-open-id-connect-provider "
            f"--open-id-connect-provider-arn {found.arn} --client-id {AUDIENCE}"
        )


def _check_part(settings: ReplacementSettings, reading: Reading) -> None:
    """Refuse a pattern of `migration.only` that names no group: the part would be smaller than meant."""
    only, groups = settings.migration.part, reading.start.groups
    wrong = unmatched(only, groups) if only else ()
    if wrong:
        path = ("migration", "only", "groups")
        allowed = f"patterns of these groups: {', '.join(groups) or 'no node is to be replaced'}"
        problem = Problem(path, list(wrong), allowed, set_fix(path, [*groups][:1]))
        raise pulumi.RunError(str(problem))


def _check_subnets(reading: Reading) -> None:
    """Refuse a cluster whose subnets are unknown: Cilium would use any subnet of the VPC.

    A plan that is blocked is left to the inventory's resource, which says more about why.
    """
    plan = reading.start.plan
    if not reading.cluster.subnet_ids and (plan is None or plan.clean):
        path = ("cilium", "subnetIds")
        allowed = "the subnets of the nodes: no Auto Scaling group carries the tag of this cluster"
        problem = Problem(path, UNSET, allowed, set_fix(path, ["subnet-0123456789abcdef0"]))
        raise pulumi.RunError(str(problem))


def _masquerade(settings: ReplacementSettings, reading: Reading) -> Masquerade:
    """Whether pods are masqueraded; RunError where the interfaces of the nodes have no common pattern."""
    try:
        return decide(
            reading.cluster.subnet_kinds,
            reading.start.image_families,
            wanted=settings.cilium.masquerade_wanted,
            interfaces=settings.cilium.egress_masquerade_interfaces,
        )
    except ValueError as error:
        path = ("cilium", "egressMasqueradeInterfaces")
        allowed = f"the interfaces of all nodes: {error}"
        problem = Problem(path, UNSET, allowed, set_fix(path, "eth+,ens+"))
        raise pulumi.RunError(str(problem)) from None
