"""The resources that mode mesh registers, with their options, and its exports."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from botocore.exceptions import NoCredentialsError

from eks_cilium.cilium.mesh import (
    CERTIFICATES_ANNOTATION,
    INTERNAL,
    SCHEME,
    SOURCE_RANGES,
    SUBNETS,
    TARGET_TYPE,
    TYPE,
)
from eks_cilium.cilium.versions import TRIED, release_of
from eks_cilium.clients.aws_errors import translation
from eks_cilium.cluster.names import STACK_TAG
from eks_cilium.mesh.model import Gateway, Member, Tunnel
from eks_cilium.policy.verdict import Cluster, SelectorScope
from eks_cilium.policy.verdict.live import LiveCluster
from eks_cilium.settings import read
from eks_cilium.settings.model import MeshSettings
from stacks import mesh
from stacks.mesh_clusters import FoundClusters
from tests.program.components.recording import Recorder, record
from tests.program.mesh.members import member_of, mesh_service_of, overlay_of

pytestmark = pytest.mark.simulation

SETTINGS: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "mesh",
    "clusters": {"cluster-1": {"name": "eks-1"}, "cluster-2": {"name": "eks-2"}},
    "tags": {"team": "platform"},
}
FOUND = FoundClusters((member_of(1), member_of(2)))
DYNAMIC = "pulumi-python:dynamic/eks-cilium:"


def settings_of(changes: dict[str, Any] | None = None) -> MeshSettings:
    raw = {**SETTINGS, **(changes or {})}
    found = read(
        {
            key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
    )
    assert isinstance(found, MeshSettings)
    return found


def registered(
    changes: dict[str, Any] | None = None, found: FoundClusters = FOUND, *, preview: bool = False
) -> Recorder:
    settings = settings_of(changes)
    return record(lambda: mesh.run(settings, lambda _: found, running_nothing), preview=preview)


def running_nothing(member: Member) -> LiveCluster:
    """A cluster with Cilium and without a pod."""
    return LiveCluster(Cluster(member.name, SelectorScope.OWN_CLUSTER), (), 0)


@pytest.fixture(scope="module")
def peered() -> Recorder:
    return registered()


TRANSIT = {"connection": {"type": "transit-gateway"}}


@pytest.fixture(scope="module")
def attached() -> Recorder:
    return registered(TRANSIT)


def counted(stack: Recorder) -> Counter[str]:
    return Counter(resource.type.rpartition(":")[2] for resource in stack.registrations)


def test_two_clusters_are_joined_by_these_resources(peered: Recorder) -> None:
    assert counted(peered) == {
        "aws": 2,
        "kubernetes": 2,
        "VpcPeering": 1,
        "VpcPeeringConnection": 1,
        "VpcPeeringConnectionAccepter": 1,
        "Route": 4,
        "MeshFirewall": 2,
        "SecurityGroupIngressRule": 8,
        "MeshZone": 1,
        "Zone": 1,
        "ZoneAssociation": 1,
        "MeshAuthority": 1,
        "SelfSignedCert": 1,
        "MemberCertificates": 2,
        "PrivateKey": 9,
        "CertRequest": 8,
        "LocallySignedCert": 8,
        "ClusterMesh": 2,
        "Secret": 8,
        "Release": 2,
        "MeshEndpoint": 2,
        "MeshRemoval": 2,
        "Record": 2,
        "MeshReadiness": 2,
    }


def test_every_table_in_use_gets_a_route_to_the_other_side(peered: Recorder) -> None:
    routes = {
        (resource.inputs["routeTableId"], resource.inputs["destinationCidrBlock"])
        for resource in peered.of("Route")
    }

    assert routes == {
        ("rtb-1a", "10.2.0.0/16"),
        ("rtb-1b", "10.2.0.0/16"),
        ("rtb-2a", "10.1.0.0/16"),
        ("rtb-2b", "10.1.0.0/16"),
    }
    accepter = peered.only("VpcPeeringConnectionAccepter")
    assert all(peered.waits_for(resource, accepter) for resource in peered.of("Route"))


def test_a_peering_into_another_region_and_account_is_accepted_by_that_account() -> None:
    there = member_of(2, region="eu-west-1", profile="other")
    there = replace(there, arn="arn:aws:eks:eu-west-1:444455556666:cluster/eks-2")
    stack = registered(found=FoundClusters((member_of(1), there)))

    asked, taken = stack.only("VpcPeeringConnection"), stack.only("VpcPeeringConnectionAccepter")
    assert asked.inputs["peerRegion"] == "eu-west-1"
    assert asked.inputs["peerOwnerId"] == "444455556666"
    assert asked.provider.split("::")[-2] == "aws-cluster-1"
    assert taken.provider.split("::")[-2] == "aws-cluster-2"
    assert stack.only("VpcAssociationAuthorization").inputs["vpcRegion"] == "eu-west-1"
    assert stack.waits_for(stack.only("ZoneAssociation"), stack.only("VpcAssociationAuthorization"))


def test_security_groups_open_the_needed_ports_to_the_peers_network(peered: Recorder) -> None:
    rules = {
        (
            resource.inputs["securityGroupId"],
            resource.inputs["cidrIpv4"],
            resource.inputs["ipProtocol"],
            resource.inputs["fromPort"],
            resource.inputs["toPort"],
        )
        for resource in peered.of("SecurityGroupIngressRule")
    }

    assert rules == {
        (group, cidr, *ports)
        for group, cidr in (("sg-1", "10.2.0.0/16"), ("sg-2", "10.1.0.0/16"))
        for ports in (("icmp", 8, -1), ("icmp", 3, 4), ("tcp", 4240, 4240), ("tcp", 30000, 32767))
    }


def test_with_the_controller_targets_are_pods_and_no_node_port_is_open() -> None:
    stack = registered(found=FoundClusters((member_of(1, controller=True), member_of(2))))

    ports = {
        resource.inputs["securityGroupId"]: resource.inputs["fromPort"]
        for resource in stack.of("SecurityGroupIngressRule")
        if resource.inputs["fromPort"] not in (3, 8, 4240)
    }
    assert ports == {"sg-1": 2379, "sg-2": 30000}


OVERLAYS = FoundClusters(
    (member_of(1, agents=overlay_of(1), controller=True), member_of(2, agents=overlay_of(2)))
)
INTENT = {
    "name": "client-to-server",
    "from": {"cluster": "cluster-1", "namespace": "my-client"},
    "to": {"cluster": "cluster-2", "namespace": "my-server", "ports": ["8080/TCP"]},
}


@pytest.mark.parametrize(
    "tunnel", [Tunnel("vxlan", 8472), Tunnel("geneve", 6081), Tunnel("geneve", 6082)], ids=str
)
def test_between_overlays_their_tunnels_are_open_and_no_ports_of_pods(tunnel: Tunnel) -> None:
    found = FoundClusters(
        tuple(member_of(number, agents=overlay_of(number, tunnel=tunnel)) for number in (1, 2))
    )
    stack = registered({"policies": {"intents": [INTENT]}}, found)

    rules = {
        (
            rule.inputs["securityGroupId"],
            rule.inputs["cidrIpv4"],
            rule.inputs["ipProtocol"],
            rule.inputs["fromPort"],
        )
        for rule in stack.of("SecurityGroupIngressRule")
    }
    assert rules == {
        (group, cidr, *ports)
        for group, cidr in (("sg-1", "10.2.0.0/16"), ("sg-2", "10.1.0.0/16"))
        for ports in (("icmp", 8), ("icmp", 3), ("tcp", 4240), ("tcp", 30000), ("udp", tunnel.port))
    }
    named = [rule.inputs["description"] for rule in stack.of("SecurityGroupIngressRule")]
    assert f"Cilium cluster cluster-1: {tunnel.protocol} tunnels between nodes" in named


def test_between_overlays_no_route_leads_to_a_pod() -> None:
    destinations = {route.inputs["destinationCidrBlock"] for route in registered(found=OVERLAYS).of("Route")}

    assert destinations == {"10.1.0.0/16", "10.2.0.0/16"}


def test_load_balancers_of_overlays_have_instances_as_targets_whichever_controller_makes_them() -> None:
    stack = registered(found=OVERLAYS)

    annotations = {
        release.name: release.inputs["values"]["clustermesh"]["apiserver"]["service"]["annotations"]
        for release in stack.of("Release")
    }
    assert annotations["cluster-1"][TARGET_TYPE] == "instance"
    assert TARGET_TYPE not in annotations["cluster-2"]


def test_ports_of_pods_and_encryption_are_opened_where_configured() -> None:
    encrypted = member_of(1, agents={"wireguard": True})
    stack = registered(
        {"connection": {"podPorts": ["8080/TCP", "5000-5010/UDP"]}}, FoundClusters((encrypted, member_of(2)))
    )

    first = {
        (resource.inputs["ipProtocol"], resource.inputs["fromPort"], resource.inputs["toPort"])
        for resource in stack.of("SecurityGroupIngressRule")
        if resource.inputs["securityGroupId"] == "sg-1"
    }
    assert {("tcp", 8080, 8080), ("udp", 5000, 5010), ("udp", 51871, 51871)} < first


def test_all_ports_are_one_rule() -> None:
    stack = registered({"connection": {"podPorts": ["all"]}})

    (rule,) = [
        resource
        for resource in stack.of("SecurityGroupIngressRule")
        if resource.inputs["securityGroupId"] == "sg-1"
    ]
    assert rule.inputs["ipProtocol"] == "-1"
    assert "fromPort" not in rule.inputs


def test_a_transit_gateway_has_an_attachment_in_every_zone(attached: Recorder) -> None:
    count = counted(attached)
    assert (count["TransitGateway"], count["VpcAttachment"], count["VpcPeering"]) == (2, 2, 0)

    attachment = attached.only("VpcAttachment", "mesh-cluster-1")
    assert attachment.inputs["subnetIds"] == ["subnet-1a", "subnet-1b"]
    routes = attached.of("Route")
    assert {resource.inputs["transitGatewayId"] for resource in routes} == {"mesh-id"}
    assert all(attached.waits_for(route, each) for route in routes for each in attached.of("VpcAttachment"))


def test_an_existing_gateway_gets_attachments_and_no_gateway_is_created() -> None:
    gateway = Gateway("tgw-0123456789abcdef0", "available", "eu-central-1", associates=True, propagates=True)
    changes = {"connection": {"type": "transit-gateway", "transitGatewayId": gateway.id}}
    stack = registered(changes, FoundClusters(FOUND.members, gateway=gateway))

    assert [resource.type for resource in stack.of("TransitGateway")] == ["eks-cilium:index:TransitGateway"]
    assert {resource.inputs["transitGatewayId"] for resource in stack.of("VpcAttachment")} == {gateway.id}


def test_three_clusters_are_three_pairs() -> None:
    three = {name: {"name": name} for name in ("cluster-1", "cluster-2", "cluster-3")}
    stack = registered({"clusters": three}, FoundClusters(tuple(map(member_of, (1, 2, 3)))))

    assert [resource.name for resource in stack.of("VpcPeering")] == [
        "cluster-1-cluster-2",
        "cluster-1-cluster-3",
        "cluster-2-cluster-3",
    ]
    clusters = stack.only("Release", "cluster-2").inputs["values"]["clustermesh"]["config"]["clusters"]
    assert [resource["address"] for resource in clusters] == [
        "cluster-1.mesh.cilium.io",
        "cluster-3.mesh.cilium.io",
    ]


def test_the_zone_is_associated_with_every_vpc_and_names_every_load_balancer(peered: Recorder) -> None:
    zone = peered.only("Zone")
    assert zone.inputs["name"] == "mesh.cilium.io"
    assert zone.inputs["vpcs"] == [{"vpcId": "vpc-1", "vpcRegion": "eu-central-1"}]
    assert zone.ignore_changes == ("vpcs",)
    assert peered.only("ZoneAssociation").inputs["vpcId"] == "vpc-2"
    assert [resource.inputs["name"] for resource in peered.of("Record")] == [
        "cluster-1.mesh.cilium.io",
        "cluster-2.mesh.cilium.io",
    ]


def test_the_zone_stays_with_its_owner_in_any_order_of_clusters() -> None:
    stack = registered({"clusterMesh": {"zoneOwner": "cluster-2"}})

    assert stack.only("Zone").provider.split("::")[-2] == "aws-cluster-2"
    assert stack.only("ZoneAssociation").inputs["vpcId"] == "vpc-1"
    assert {resource.provider.split("::")[-2] for resource in stack.of("Record")} == {"aws-cluster-2"}


def test_the_clustermesh_release_stands_beside_the_clusters_own_release(peered: Recorder) -> None:
    release = peered.only("Release", "cluster-1")

    assert release.inputs["name"] == "cilium-clustermesh"
    assert release.inputs["version"] == "1.19.7"
    assert release.inputs["skipAwait"] is True
    values = release.inputs["values"]
    assert values["agent"] is False
    assert values["cluster"] == {"name": "cluster-1", "id": 1}
    assert values["clustermesh"]["apiserver"]["podAnnotations"][CERTIFICATES_ANNOTATION]
    assert all(
        peered.waits_for(release, resource)
        for resource in peered.of("Secret")
        if resource.name.startswith("cluster-1")
    )
    assert peered.waits_for(release, peered.only("VpcPeeringConnectionAccepter"))


def test_every_load_balancer_is_internal_and_for_the_peers(peered: Recorder) -> None:
    service = peered.only("Release", "cluster-1").inputs["values"]["clustermesh"]["apiserver"]["service"]

    annotations = service["annotations"]
    assert (annotations[SCHEME], annotations[INTERNAL], annotations[TYPE]) == ("internal", "true", "nlb")
    assert annotations[SOURCE_RANGES] == "10.2.0.0/16"
    assert annotations[SUBNETS] == "subnet-1a,subnet-1b"


def test_an_existing_load_balancer_stays_in_its_subnets_and_a_new_one_prefers_tagged_ones() -> None:
    zones = {"subnet-1a": "a", "subnet-1b": "b", "subnet-1x": "a", "subnet-1y": "b"}
    tagged = {"subnets": zones, "for_balancers": frozenset({"subnet-1x", "subnet-1y"})}

    def named(**more: Any) -> str:
        stack = registered(found=FoundClusters((member_of(1, network=tagged, **more), member_of(2))))
        values = stack.only("Release", "cluster-1").inputs["values"]
        annotations = values["clustermesh"]["apiserver"]["service"]["annotations"]
        return str(annotations[SUBNETS])

    assert named() == "subnet-1x,subnet-1y"
    there = mesh_service_of(balancer={"subnets": ("subnet-1b",)})
    assert named(mesh_service=there) == "subnet-1b,subnet-1x"


@pytest.mark.parametrize(("kind", "controller"), [("nlb", True), ("external", True), ("nlb", False)])
def test_a_running_service_keeps_its_controller_whatever_was_installed_since(
    kind: str, controller: bool
) -> None:
    """The other controller would make a second load balancer, and the first would stay behind."""
    running = member_of(1, mesh_service=mesh_service_of(kind=kind), controller=controller)
    stack = registered(found=FoundClusters((running, member_of(2))))

    service = stack.only("Release", "cluster-1").inputs["values"]["clustermesh"]["apiserver"]["service"]
    ports = {
        rule.inputs["fromPort"]
        for rule in stack.of("SecurityGroupIngressRule")
        if rule.inputs["securityGroupId"] == "sg-1"
    }
    assert service["annotations"][TYPE] == kind
    assert (30000 in ports) is (kind == "nlb")


def test_replicas_without_the_controller_have_no_session_affinity() -> None:
    stack = registered(
        {"clusterMesh": {"replicas": 2}}, FoundClusters((member_of(1), member_of(2, controller=True)))
    )

    def service(cluster: str) -> dict[str, Any]:
        values = stack.only("Release", cluster).inputs["values"]
        found: dict[str, Any] = values["clustermesh"]["apiserver"]["service"]
        return found

    assert service("cluster-1")["enableSessionAffinity"] == "Never"
    assert "enableSessionAffinity" not in service("cluster-2")


def test_the_api_server_leaves_the_room_for_clusters_that_agents_leave() -> None:
    two = tuple(member_of(number, agents={"max_clusters": 511}) for number in (1, 2))
    stack = registered(found=FoundClusters(two))

    values = stack.only("Release", "cluster-1").inputs["values"]
    assert values["clustermesh"]["maxConnectedClusters"] == 511


def test_annotations_of_the_user_never_replace_those_of_the_program() -> None:
    more = {"service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled": "true"}
    stack = registered({"clusterMesh": {"serviceAnnotations": more}})

    service = stack.only("Release", "cluster-1").inputs["values"]["clustermesh"]["apiserver"]["service"]
    assert more.items() < service["annotations"].items()
    assert service["annotations"][SCHEME] == "internal"


@pytest.mark.parametrize("version", TRIED)
def test_certificates_reach_each_version_by_secrets_or_values(version: str) -> None:
    stack = registered(
        found=FoundClusters(tuple(member_of(number, agents={"version": version}) for number in (1, 2)))
    )

    release = release_of(version)
    secrets = {resource.inputs["metadata"]["name"] for resource in stack.of("Secret")}
    tls = stack.only("Release", "cluster-1").inputs["values"]["clustermesh"]["apiserver"]["tls"]
    assert tls["auto"] == {"enabled": False}
    if release.mesh_certificates_are_values:
        assert not secrets
        assert tls["server"]["key"]
    else:
        assert "clustermesh-apiserver-local-cert" in secrets
        assert "server" not in tls


def test_one_authority_signs_for_all_and_its_key_reaches_no_cluster(peered: Recorder) -> None:
    key = peered.only("PrivateKey", "mesh-1").inputs
    assert key["algorithm"] == "ECDSA"
    signed = peered.of("LocallySignedCert")
    assert all(peered.waits_for(resource, peered.only("SelfSignedCert")) for resource in signed)
    assert all(
        set(resource.inputs["data"]["value"]) == {"ca.crt", "tls.crt", "tls.key"}
        for resource in peered.of("Secret")
    ), "marked as secret, as a whole"
    assert {resource.inputs["isCaCertificate"] for resource in peered.of("SelfSignedCert")} == {True}


def test_a_rotation_trusts_two_authorities_and_signs_with_one() -> None:
    stack = registered({"clusterMesh": {"authorities": {"issuing": 1, "trusted": [1, 2]}}})

    assert [resource.name for resource in stack.of("SelfSignedCert")] == ["mesh-1", "mesh-2"]
    first = stack.only("SelfSignedCert", "mesh-1")
    assert all(stack.waits_for(resource, first) for resource in stack.of("LocallySignedCert"))


def test_gates_depend_on_every_record_and_release(peered: Recorder) -> None:
    for gate in peered.of("MeshReadiness"):
        assert all(
            peered.waits_for(gate, resource) for resource in (*peered.of("Record"), *peered.of("Release"))
        )
    gate = peered.only("MeshReadiness", "cluster-1")
    assert gate.inputs["remotes"] == ["cluster-2"]
    assert gate.inputs["command"] == "cilium-dbg"
    endpoint = peered.only("MeshEndpoint", "cluster-1")
    assert endpoint.inputs["subnets"] == ["subnet-1a", "subnet-1b"]


def test_a_destroy_waits_for_the_load_balancer_after_it_has_deleted_the_release(peered: Recorder) -> None:
    for cluster in ("cluster-1", "cluster-2"):
        removal = peered.only("MeshRemoval", cluster)
        assert peered.waits_for(peered.only("Release", cluster), removal)
        assert removal.inputs["seconds"] == 900


def test_tagged_resources_carry_the_tag_of_the_stack(peered: Recorder) -> None:
    tagged = [resource for resource in peered.registrations if resource.inputs.get("tags")]

    assert {resource.type.rpartition(":")[2] for resource in tagged} >= {"VpcPeeringConnection", "Zone"}
    for resource in tagged:
        assert resource.inputs["tags"]["team"] == "platform"
        assert resource.inputs["tags"][STACK_TAG] == "eks-cilium/test"


def test_children_belong_to_their_component(peered: Recorder) -> None:
    components = {resource.urn for resource in peered.registrations if not resource.custom}
    loose = [
        resource.type.rpartition(":")[2]
        for resource in peered.registrations
        if resource.custom and resource.parent not in components
    ]

    assert Counter(loose) == {"aws": 2, "kubernetes": 2, "MeshReadiness": 2}


POLICIES = {
    "policies": {
        "intents": [
            {
                "name": "client-to-server",
                "from": {"cluster": "cluster-1", "namespace": "my-client", "labels": {"app": "my-client"}},
                "to": {
                    "cluster": "cluster-2",
                    "namespace": "my-server",
                    "labels": {"app": "my-server"},
                    "ports": ["8080/TCP"],
                },
            }
        ],
        "defaultDeny": [{"cluster": "cluster-2", "namespace": "my-server", "directions": ["ingress"]}],
    }
}


def test_policies_depend_on_the_gates_and_are_created_in_their_clusters() -> None:
    stack = registered(POLICIES)

    where = {
        resource.name: resource.provider.split("::")[-2]
        for resource in stack.registrations
        if "cilium.io" in resource.type
    }
    assert where == {
        "client-to-server-egress": "cluster-1",
        "client-to-server-ingress": "cluster-2",
        "default-deny-cluster-2-my-server-default-deny": "cluster-2",
    }
    for resource in stack.registrations:
        if "cilium.io" in resource.type:
            assert all(stack.waits_for(resource, gate) for gate in stack.of("MeshReadiness"))


def test_ports_of_an_intent_are_opened_only_in_the_destinations_cluster() -> None:
    stack = registered(POLICIES)

    opened = {
        resource.inputs["securityGroupId"]
        for resource in stack.of("SecurityGroupIngressRule")
        if resource.inputs["fromPort"] == 8080
    }
    assert opened == {"sg-2"}


def test_a_failed_assertion_fails_the_preview() -> None:
    denied = {
        "from": {"cluster": "cluster-1", "namespace": "my-client", "labels": {"app": "my-client"}},
        "to": {"cluster": "cluster-2", "namespace": "my-server", "labels": {"app": "my-server"}},
        "port": "8080/TCP",
    }
    policies = {"policies": {**POLICIES["policies"], "mustDeny": [denied]}}

    with pytest.raises(pulumi.RunError, match=r"policies.mustDeny\[0\]"):
        mesh.run(settings_of(policies), lambda _: FOUND)


FILE = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: by-hand, namespace: my-client}
spec: {endpointSelector: {}, egress: [{}]}
"""


@pytest.mark.parametrize("preview", [True, False])
def test_a_file_of_policies_is_read_once_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    (tmp_path / "by-hand.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    opened: list[str] = []
    read_text = Path.read_text

    def counted_read(path: Path, *args: Any, **kwargs: Any) -> str:
        opened.append(str(path))
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", counted_read)
    files = [{"cluster": "cluster-1", "path": "by-hand.yaml"}]
    stack = registered({"policies": {**POLICIES["policies"], "files": files}}, preview=preview)

    assert opened.count("by-hand.yaml") == 1
    (policy,) = [each for each in stack.of("CiliumNetworkPolicy") if "by-hand" in each.name]
    assert policy.name == "file-by-hand.yaml-cluster-1-my-client-by-hand"


def exported(found: FoundClusters = FOUND, *, preview: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    record(lambda: kept.update(mesh.run(settings_of(), lambda _: found, running_nothing)), preview=preview)
    return kept


def test_exports_hold_no_certificate() -> None:
    kept = exported(preview=False)

    assert set(kept) == {"clusters", "connection", "verdictMarkdown", "policies", "nextCommands"}
    assert set(kept["clusters"]["cluster-1"]) == {
        "name",
        "region",
        "clusterId",
        "ciliumVersion",
        "loadBalancer",
        "agents",
    }
    assert any("cilium clustermesh status" in command for command in kept["nextCommands"])


def test_clusters_that_cannot_be_joined_are_refused_with_every_problem_at_once() -> None:
    bad = FoundClusters((member_of(1), member_of(2, agents={"cluster_id": 1, **overlay_of(2)})))

    with pytest.raises(pulumi.RunError, match="2 problems keep these clusters") as refused:
        mesh.run(settings_of(), lambda _: bad)
    assert "both have cluster id 1" in str(refused.value)
    assert "connected by an overlay" in str(refused.value)


def test_a_preview_may_come_before_the_clusters() -> None:
    some = FoundClusters((member_of(1),), ("stack organization/eks-cilium/two has created no cluster yet",))

    kept = exported(some, preview=True)
    assert kept["missing"] == ["stack organization/eks-cilium/two has created no cluster yet"]
    assert not registered(found=some, preview=True).registrations


def test_an_update_needs_all_clusters() -> None:
    some = FoundClusters((member_of(1),), ("EKS has no cluster eks-2 in eu-central-1 that answers yet",))

    with pytest.raises(pulumi.RunError, match="eks-2 in eu-central-1"):
        mesh.run(settings_of(), lambda _: some)


def test_clusters_that_cannot_be_read_are_reported_in_one_line() -> None:
    def unreadable(_: MeshSettings) -> FoundClusters:
        raise translation(NoCredentialsError(), "eks:DescribeCluster")

    with pytest.raises(pulumi.RunError, match="Unable to locate credentials"):
        mesh.run(settings_of(), unreadable)
