"""Exactly what mode replacement registers, in either direction, in which order, with which options."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from eks_cilium.clients.aws_errors import translation
from eks_cilium.cluster.existing import ExistingCluster, OidcProvider
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.errors import TransientError
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.migration.plan.model import Plan
from eks_cilium.migration.start import MigrationStart
from eks_cilium.settings import read
from eks_cilium.settings.model import ReplacementSettings
from eks_cilium.settings.model.migration import Capacity, Target
from stacks import replacement
from stacks.replacement import Reading
from stacks.running_cluster import ClusterReading
from tests.program.components.recording import ACCOUNT, ISSUER, Recorder, Registration, record

pytestmark = pytest.mark.simulation

SETTINGS: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "replacement",
    "cluster": {"name": "shop"},
    "cilium": {"version": "1.19.7", "chartRepository": "charts"},
    "tags": {"team": "platform"},
}
NODES = tuple(f"ip-10-0-0-{index}.eu-central-1.compute.internal" for index in range(5))
PROVIDER = OidcProvider(f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}", ("sts.amazonaws.com",), {})
CLUSTER = ExistingCluster(
    name="shop",
    arn=f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/shop",
    endpoint="https://ABC.gr7.eu-central-1.eks.amazonaws.com",
    certificate_authority="Q0E=",
    version="1.34",
    issuer=ISSUER,
    vpc_id="vpc-1",
    cidr="10.0.0.0/16",
    subnet_ids=("subnet-a", "subnet-b"),
    subnet_kinds=frozenset({"private"}),
    oidc_provider=PROVIDER,
)
BEGINNING = MigrationStart(NODES, left=len(NODES), image_families=frozenset({"al2023"}), plan=None)
READING = ClusterReading(CLUSTER, BEGINNING)
DYNAMIC = "pulumi-python:dynamic/eks-cilium:"


def settings_of(changes: dict[str, Any] | None = None) -> ReplacementSettings:
    raw = {**SETTINGS, **(changes or {})}
    read_settings = read(
        {
            key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
    )
    assert isinstance(read_settings, ReplacementSettings)
    return read_settings


def recorded(
    changes: dict[str, Any] | None = None,
    reading: Reading | None = READING,
    *,
    preview: bool = False,
    aws: Any = None,
) -> Recorder:
    settings = settings_of(changes)
    return record(lambda: replacement.run(settings, lambda _: reading, lambda *_: aws), preview=preview)


def exported(
    changes: dict[str, Any] | None = None, reading: Reading | None = READING, *, preview: bool
) -> Any:
    settings, kept = settings_of(changes), {}
    record(lambda: kept.update(replacement.run(settings, lambda _: reading)), preview=preview)
    return kept


def of_cluster(**changes: Any) -> Reading:
    return ClusterReading(replace(CLUSTER, **changes), BEGINNING)


ROLLBACK = {"migration": {"target": "aws-vpc-cni"}}


@pytest.fixture(scope="module")
def migration() -> Recorder:
    return recorded()


@pytest.fixture(scope="module")
def rollback() -> Recorder:
    return recorded(ROLLBACK)


def counted(stack: Recorder) -> Counter[str]:
    return Counter(entry.type.rpartition(":")[2] for entry in stack.registrations)


def test_a_migration_to_cilium_is_one_resource_for_each_step(migration: Recorder) -> None:
    assert counted(migration) == {
        "aws": 1,
        "kubernetes": 1,
        "NodeInventory": 1,
        "AwsNodeAffinity": 1,
        "Unchaining": 1,
        "OperatorRole": 1,
        "Role": 1,
        "RolePolicy": 1,
        "Cilium": 1,
        "Release": 1,
        "CniMigration": 1,
        "PolicyPause": 1,
        "AgentGate": 1,
        "Surge": 1,
        "NodeRotation": 5,
        "CapacityRestore": 1,
        "AgentsGone": 1,
        "AwsNodeRemoval": 1,
        "PolicyResume": 1,
    }


def test_a_rollback_registers_nothing_but_steps(rollback: Recorder) -> None:
    """Whatever a rollback does not register is deleted at its end, Cilium included."""
    assert counted(rollback) == {
        "aws": 1,
        "NodeInventory": 1,
        "CniRollback": 1,
        "AwsNodeAffinity": 1,
        "PolicyPause": 1,
        "AgentGate": 1,
        "Surge": 1,
        "NodeRotation": 5,
        "CapacityRestore": 1,
        "AgentsGone": 1,
    }


def test_migration_and_rollback_share_no_resource(migration: Recorder, rollback: Recorder) -> None:
    """A shared resource would be kept instead of being created and deleted. Only the provider is shared."""
    forward = {entry.urn for entry in migration.registrations}
    backward = {entry.urn for entry in rollback.registrations}

    assert forward & backward == {migration.only("aws").urn}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("NodeInventory", "AwsNodeAffinity"),
        ("AwsNodeAffinity", "Unchaining"),
        ("Unchaining", "Release"),
        ("RolePolicy", "Release"),
        ("Release", "PolicyPause"),
        ("PolicyPause", "AgentGate"),
        ("AgentGate", "Surge"),
        ("CapacityRestore", "AgentsGone"),
        ("AgentsGone", "AwsNodeRemoval"),
        ("AwsNodeRemoval", "PolicyResume"),
    ],
)
def test_every_step_to_cilium_waits_for_the_one_before(migration: Recorder, first: str, then: str) -> None:
    assert migration.waits_for(migration.only(then), migration.only(first))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("NodeInventory", "AwsNodeAffinity"),
        ("AwsNodeAffinity", "PolicyPause"),
        ("PolicyPause", "AgentGate"),
        ("AgentGate", "Surge"),
        ("CapacityRestore", "AgentsGone"),
    ],
)
def test_every_step_of_a_rollback_waits_for_the_one_before(rollback: Recorder, first: str, then: str) -> None:
    assert rollback.waits_for(rollback.only(then), rollback.only(first))


def rotations(stack: Recorder) -> list[Registration]:
    by_node = {entry.inputs["node"]: entry for entry in stack.of("NodeRotation")}
    return [by_node[node] for node in NODES]


@pytest.mark.parametrize("parallel", [1, 2, 4])
@pytest.mark.parametrize("target", ["cilium", "aws-vpc-cni"])
def test_a_node_waits_for_the_one_that_many_places_before_it(parallel: int, target: str) -> None:
    stack = recorded({"migration": {"target": target, "parallel": parallel}})
    chain, surge, inventory = rotations(stack), stack.only("Surge"), stack.only("NodeInventory")

    for index, entry in enumerate(chain):
        before = chain[index - parallel] if index >= parallel else surge
        assert entry.depends_on == {before.urn}
    restore = stack.only("CapacityRestore")
    assert all(stack.waits_for(restore, entry) for entry in chain)
    assert len(restore.depends_on - {inventory.urn}) == parallel


@pytest.mark.parametrize("parallel", [1, "10%"])
def test_more_than_200_nodes_are_replaced_in_batches(parallel: int | str) -> None:
    nodes = tuple(f"ip-10-0-{index // 250}-{index % 250}" for index in range(1500))
    reading = ClusterReading(CLUSTER, replace(BEGINNING, nodes=nodes, left=len(nodes)))

    stack = recorded({"migration": {"parallel": parallel, "surge": parallel}}, reading)

    batches = sorted(stack.of("NodeBatch"), key=lambda entry: float(entry.inputs["first"]))
    surge = stack.only("Surge")
    assert stack.of("NodeRotation") == []
    assert len(batches) <= 200
    positions = [
        entry.inputs["first"] + index for entry in batches for index in range(int(entry.inputs["count"]))
    ]
    assert positions == list(range(1, len(nodes) + 1))
    assert [surge.urn in entry.depends_on for entry in batches[:5]] == [True] * 4 + [False]
    assert batches[0].urn in batches[4].depends_on
    assert not any(batches[0].urn in entry.depends_on for entry in batches[1:4])
    assert all(stack.waits_for(stack.only("CapacityRestore"), entry) for entry in batches)
    assert max(len(json.dumps(dict(entry.inputs), default=str)) for entry in batches) < 2000


def test_a_percentage_has_lanes_in_each_group() -> None:
    groups = {node: "ab"[index % 2] for index, node in enumerate(NODES)}
    reading = ClusterReading(CLUSTER, replace(BEGINNING, group_of=groups))

    chain = rotations(recorded({"migration": {"parallel": "10%"}}, reading))

    before = [set(entry.depends_on) & {other.urn for other in chain} for entry in chain]
    assert before == [set(), set(), {chain[0].urn}, {chain[1].urn}, {chain[2].urn}]


def test_a_rotation_is_named_by_its_node_and_knows_nothing_else(migration: Recorder) -> None:
    first = rotations(migration)[0]

    assert first.name == "shop-ip-10-0-0-0"
    assert first.inputs.keys() - {"__provider"} == {
        "cluster_name",
        "region",
        "target",
        "options",
        "migration",
        "node",
        "preview",
        "engine_version",
    }


def test_nodes_that_share_the_short_part_of_their_name_keep_the_whole() -> None:
    nodes = ("ip-1.eu-central-1.compute.internal", "ip-1.example.org", "ip-2.example.org")
    stack = recorded(reading=ClusterReading(CLUSTER, replace(BEGINNING, nodes=nodes)))

    assert {entry.name for entry in stack.of("NodeRotation")} == {
        "shop-ip-1.eu-central-1.compute.internal",
        "shop-ip-1.example.org",
        "shop-ip-2",
    }


def test_every_step_belongs_to_the_migration_its_inventory_began(migration: Recorder) -> None:
    steps = [entry for entry in migration.registrations if entry.type.startswith(DYNAMIC)]

    assert {entry.inputs.get("migration") for entry in steps if "NodeInventory" not in entry.type} == {
        "2026-01-01T00:00:00"
    }


def test_steps_carry_only_what_the_configuration_changes() -> None:
    chosen = {
        "drainTimeoutSeconds": 1800,
        "surge": 1,
        "allow": {"barePods": ["debug/*"], "fargateNodes": False},
    }
    stack = recorded({"migration": chosen})

    for entry in stack.registrations:
        if entry.type.startswith(DYNAMIC):
            assert entry.inputs["options"] == {
                "drainTimeoutSeconds": 1800,
                "allow": {"barePods": ["debug/*"]},
            }


def test_cilium_runs_beside_the_other_cni_and_beside_kube_proxy(migration: Recorder) -> None:
    release = migration.only("Release").inputs

    assert release["skipAwait"] is True
    values = release["values"]
    assert values["kubeProxyReplacement"] == "false"
    assert "k8sServiceHost" not in values
    assert values["operator"]["unmanagedPodWatcher"] == {"restart": False}
    assert values["cluster"] == {"name": "shop", "id": 0}
    assert values["eni"]["subnetIDsFilter"] == ["subnet-a", "subnet-b"]
    assert values["enableIPv4Masquerade"] is False


def test_the_mode_of_policies_is_set_at_the_end_and_never_by_helm() -> None:
    values = {"policyEnforcementMode": "Always"}
    stack = recorded({"cilium": {**SETTINGS["cilium"], "values": values}})

    assert stack.only("Release").inputs["values"].get("policyEnforcementMode") is None
    assert stack.only("PolicyResume").inputs["mode"] == "always"


def test_the_plan_knows_what_cilium_will_do() -> None:
    values = {"cni": {"exclusive": False, "chainingMode": "portmap"}}
    chosen = {"prefixDelegation": True, "subnetIds": ["subnet-0123456789abcdef0"], "values": values}

    inventory = recorded({"cilium": {**SETTINGS["cilium"], **chosen}}).only("NodeInventory")

    assert inventory.inputs["cilium"] == {
        "prefix_delegation": True,
        "exclusive": False,
        "port_map": True,
        "subnets": ["subnet-0123456789abcdef0"],
    }
    assert recorded().only("NodeInventory").inputs["cilium"] == {}


def test_a_name_that_cilium_does_not_take_is_ciliums_alone() -> None:
    stack = recorded(
        {"cluster": {"name": "Shop_EU"}, "cilium": {"version": "1.19.7", "clusterName": "shop-eu"}},
        of_cluster(name="Shop_EU"),
    )

    assert stack.only("Release").inputs["values"]["cluster"]["name"] == "shop-eu"
    assert stack.only("Surge").inputs["cluster_name"] == "Shop_EU"
    assert stack.only("Surge").name == "shop-eu"


def test_public_nodes_masquerade_on_the_interfaces_of_their_image() -> None:
    reading = ClusterReading(
        replace(CLUSTER, subnet_kinds=frozenset({"private", "public"})),
        replace(BEGINNING, image_families=frozenset({"bottlerocket"})),
    )

    values = recorded(reading=reading).only("Release").inputs["values"]
    assert values["egressMasqueradeInterfaces"] == "eth+"
    assert values["ipv4NativeRoutingCIDR"] == "10.0.0.0/16"


def test_pods_keep_their_addresses_in_every_network_of_the_vpc_or_in_the_one_configured() -> None:
    def native(cidrs: tuple[str, ...], **more: Any) -> Any:
        reading = ClusterReading(replace(CLUSTER, subnet_kinds=frozenset({"public"}), cidrs=cidrs), BEGINNING)
        cilium = {"version": "1.19.7", **more}
        release = recorded({"cilium": cilium}, reading=reading).only("Release")
        return release.inputs["values"]["ipv4NativeRoutingCIDR"]

    assert native(("10.0.0.0/16", "10.3.0.0/16")) == "10.0.0.0/14"
    assert native(("10.0.0.0/16", "100.64.0.0/16")) == "10.0.0.0/16", "no private network holds both"
    assert native(("10.0.0.0/16",), nativeRoutingCidr="10.0.0.0/8") == "10.0.0.0/8"
    with pytest.raises(pulumi.RunError, match="the first network of the VPC"):
        native(("10.0.0.0/16",), nativeRoutingCidr="10.64.0.0/10")


def test_public_nodes_of_two_image_families_need_their_interfaces_configured() -> None:
    reading = ClusterReading(
        replace(CLUSTER, subnet_kinds=frozenset({"public"})),
        replace(BEGINNING, image_families=frozenset({"al2023", "bottlerocket"})),
    )

    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cilium\.egressMasqueradeInterfaces is not set"):
        recorded(reading=reading)


def test_the_operator_may_attach_to_instances_that_carry_the_clusters_tag(migration: Recorder) -> None:
    policy = json.loads(migration.only("RolePolicy").inputs["policy"])

    attach = next(
        statement for statement in policy["Statement"] if statement["Sid"] == "AttachToNodesOfTheCluster"
    )
    assert attach["Condition"] == {"StringEquals": {"aws:ResourceTag/kubernetes.io/cluster/shop": "owned"}}


def trusted(stack: Recorder) -> str:
    return str(
        json.loads(stack.only("Role").inputs["assumeRolePolicy"])["Statement"][0]["Principal"]["Federated"]
    )


def test_an_identity_provider_that_is_there_is_used_as_it_is(migration: Recorder) -> None:
    assert migration.of("OpenIdConnectProvider") == []
    assert trusted(migration) == PROVIDER.arn


def test_a_missing_identity_provider_is_created_and_tagged() -> None:
    stack = recorded(reading=of_cluster(oidc_provider=None))

    inputs = stack.only("OpenIdConnectProvider").inputs
    assert inputs["url"] == f"https://{ISSUER}"
    assert inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert inputs["tags"][STACK_TAG] == "eks-cilium/test"
    assert trusted(stack).endswith("shop-oidc")


def test_an_identity_provider_of_this_stack_stays_in_it() -> None:
    ours = replace(PROVIDER, tags={STACK_TAG: "eks-cilium/test"})

    assert recorded(reading=of_cluster(oidc_provider=ours)).only("OpenIdConnectProvider")


def test_an_identity_provider_of_another_stack_is_used_as_it_is() -> None:
    theirs = replace(PROVIDER, tags={STACK_TAG: "eks-cilium/other"})

    assert recorded(reading=of_cluster(oidc_provider=theirs)).of("OpenIdConnectProvider") == []


def test_an_identity_provider_that_takes_no_tokens_for_sts_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="add-client-id-to-open-id-connect-provider"):
        recorded(reading=of_cluster(oidc_provider=replace(PROVIDER, audiences=("other",))))


def test_a_kubernetes_that_cilium_does_not_support_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"this one needs 1\.31 or newer"):
        recorded(reading=of_cluster(version="1.30"))


def test_nodes_of_unknown_subnets_are_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cilium\.subnetIds is not set"):
        recorded(reading=of_cluster(subnet_ids=()))


def test_a_preview_before_the_cluster_says_so_and_does_not_fail() -> None:
    stack = recorded(reading=None, preview=True)

    assert stack.registrations == []
    assert "no cluster shop in eu-central-1 yet" in exported(reading=None, preview=True)["plan"]["headline"]


def test_an_update_before_the_cluster_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cluster\.name is \"shop\""):
        recorded(reading=None)


def test_a_rollback_does_not_need_what_only_cilium_needs() -> None:
    reading = of_cluster(version="1.30", subnet_ids=(), oidc_provider=None)

    assert recorded(ROLLBACK, reading).only("AgentsGone")


@pytest.mark.parametrize(
    "trouble",
    [
        TransientError("GET /api/v1/nodes failed 6 times"),
        translation(NoCredentialsError(), "eks:DescribeCluster"),
        translation(
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeCluster"),
            "eks:DescribeCluster",
        ),
    ],
)
def test_a_cluster_that_cannot_be_read_ends_in_one_sentence(trouble: Exception) -> None:
    def read_cluster(_: ReplacementSettings) -> Reading | None:
        raise trouble

    with pytest.raises(pulumi.RunError, match="shop could not be read: "):
        record(lambda: replacement.run(settings_of(), read_cluster))


EMPTY_PLAN = Plan(
    cluster="shop",
    target=Target.CILIUM,
    capacity=Capacity.SURGE,
    surge=1,
    parallel=1,
    nodes=(),
    groups=(),
    blockers=(),
    warnings=(),
    leaving=(),
    left_alone=(),
    impossible=(),
    seconds=0,
)


def resolved(output: Any) -> Any:
    """The value of an output that is known."""
    known: list[Any] = []
    record(lambda: pulumi.Output.from_input(output).apply(known.append))
    return known[0]


def test_the_first_preview_exports_the_plan_it_shows() -> None:
    exports = exported(reading=ClusterReading(CLUSTER, replace(BEGINNING, plan=EMPTY_PLAN)), preview=True)

    plan = resolved(exports["plan"])
    assert plan.pop("headline").startswith("Cluster shop: 0 nodes from the AWS VPC CNI to Cilium")
    assert plan == {"nodes": 0, "blockers": 0, "warnings": 0, "estimatedSeconds": 0}


@pytest.mark.parametrize("kind", ["NodeInventory", "NodeRotation"])
@pytest.mark.parametrize("changes", [{}, ROLLBACK])
def test_a_preview_hands_every_resource_its_part_of_the_plan(changes: dict[str, Any], kind: str) -> None:
    reading = ClusterReading(CLUSTER, replace(BEGINNING, plan=EMPTY_PLAN))

    previewed = recorded(changes, reading, preview=True).of(kind)

    assert previewed
    assert all(entry.inputs["preview"]["lines"] for entry in previewed)


def test_in_an_update_only_the_inventory_is_checked_against_a_plan() -> None:
    reading = ClusterReading(CLUSTER, replace(BEGINNING, plan=EMPTY_PLAN))

    updated = recorded({}, reading)

    assert not any("preview" in entry.inputs for entry in updated.of("NodeInventory"))
    for kind in ("Surge", "NodeRotation"):
        assert {tuple(entry.inputs["preview"]["lines"]) for entry in updated.of(kind)} == {()}


def test_later_the_plan_before_the_first_change_is_exported() -> None:
    assert resolved(exported(preview=False)["plan"]) == {"headline": "Plan"}


def test_exports_hold_no_secret_and_say_what_to_type() -> None:
    exports = exported({"aws:profile": "ops"}, preview=False)

    assert "token" not in json.loads(exports["kubeconfig"])["users"][0]["user"]
    assert exports["nextCommands"][0] == (
        "aws eks update-kubeconfig --region eu-central-1 --profile ops --name shop"
    )
    assert exports["cluster"]["target"] == "cilium"


def test_a_preview_warns_that_an_update_would_begin_nothing(caplog: pytest.LogCaptureFixture) -> None:
    asked = StopRequest("ann@laptop", "2026-01-01T00:01:00+00:00", "error rate")
    reading = ClusterReading(CLUSTER, replace(BEGINNING, stop=asked))

    recorded({"aws:profile": "ops"}, reading, preview=True)

    assert (
        "ann@laptop asked at 2026-01-01T00:01:00+00:00 that nothing further is begun (error rate)"
        in caplog.text
    )
    assert "eks-cilium stop --undo --region eu-central-1 --profile ops --cluster shop" in caplog.text
