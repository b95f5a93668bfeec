"""What blocks joining clusters; every blocker says what is found, what is allowed and how to fix it."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from eks_cilium.mesh.checks import blockers
from eks_cilium.mesh.model import (
    Attachment,
    Blocker,
    Gateway,
    Member,
    MeshService,
    Peering,
    PrivateZone,
    Route,
    RouteTable,
    Snat,
    Tunnel,
    Wanted,
)
from tests.program.mesh.members import STACK, member_of, mesh_service_of, network_of, overlay_of, wanted

pytestmark = pytest.mark.unit

TRANSIT = wanted(type="transit-gateway")
TGW = "tgw-0123456789abcdef0"
EXISTING = Gateway(TGW, "available", "eu-central-1", associates=True, propagates=True)


OF_ANOTHER_ACCOUNT = member_of(2, arn="arn:aws:eks:eu-central-1:444455556666:cluster/eks-2")
ACCEPTED = Attachment("tgw-attach-2", TGW, STACK)
CHAINED: dict[str, Any] = {"chained": True, "ipam": "cluster-pool"}
OVERLAY_2 = member_of(2, agents=overlay_of(2))


def attached(**changes: Any) -> Wanted:
    gateway = replace(EXISTING, **changes)
    return wanted(type="transit-gateway", gateway_id=TGW, gateway=gateway)


def with_route(destination: str, target: str, state: str = "active") -> tuple[RouteTable, ...]:
    """The tables of cluster 1, with one more route in the first."""
    first, *others = network_of(1).tables
    return (replace(first, routes=(*first.routes, Route(destination, target, state))), *others)


@dataclass(frozen=True)
class Bad:
    """Clusters that cannot be joined: changes to the first cluster, and what the blocker says."""

    name: str
    change: dict[str, Any]
    says: str
    fix: str
    other: Member = field(default_factory=lambda: member_of(2))
    wanted: Wanted = field(default_factory=wanted)


BAD = (
    Bad("no Cilium", {"agents": None}, "Cilium is not installed", "replacement or chaining"),
    Bad("unknown version", {"agents": {"version": "1.13.3"}}, "runs Cilium 1.13.3", "raise or lower"),
    Bad("another name", {"agents": {"cluster_name": "shop"}}, "called 'shop'", "rename the key to shop"),
    Bad("id 0", {"agents": {"cluster_id": 0}}, "cluster id is 0; that means no mesh", "cilium.clusterId"),
    Bad("id 128", {"agents": {"cluster_id": 128}}, "cluster id is 128; bit 0x80", "cilium.clusterId"),
    Bad("id 255", {"agents": {"cluster_id": 255}}, "cluster id is 255", "cilium.clusterId"),
    Bad("the same id", {"agents": {"cluster_id": 2}}, "both have cluster id 2", "stack of cluster-2"),
    Bad(
        "an overlay beside routed pods",
        {"agents": overlay_of(1)},
        "pods of cluster-1 are connected by an overlay, and the VPC routes those of cluster-2",
        "another cilium.ipam",
    ),
    Bad("addresses of its own", {"agents": {"ipam": "cluster-pool"}}, "'cluster-pool'", "ENI mode"),
    Bad(
        "partitions that nothing connects",
        {"arn": "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/eks-1"},
        "cluster-2 is in aws, cluster-1 is in aws-us-gov",
        "leave the clusters of the other partition out",
        member_of(2, arn="arn:aws:eks:eu-central-1:111122223333:cluster/eks-2"),
    ),
    Bad("pods with IPv6 alone", {"agents": {"ipv4": False}}, "have no IPv4 addresses", "ipFamily ipv4"),
    Bad(
        "tunnels beside the VPC CNI",
        {"agents": overlay_of(1, chained=True)},
        "chained to the AWS VPC CNI and has tunnels by vxlan",
        "routingMode of its Helm release to native",
        OVERLAY_2,
    ),
    Bad(
        "an overlay with addresses that are not known",
        {"agents": overlay_of(1, ipam="multi-pool", pools=())},
        "IPAM mode 'multi-pool', whose networks are not known",
        "cilium.ipam cluster-pool",
        OVERLAY_2,
    ),
    Bad(
        "tunnels of different protocols",
        {"agents": overlay_of(1, tunnel=Tunnel("geneve", 6081))},
        "tunnels by geneve on UDP port 6081, and by vxlan on UDP port 8472",
        "cilium.overlay.protocol geneve",
        OVERLAY_2,
    ),
    Bad(
        "tunnels at different ports",
        {"agents": overlay_of(1, tunnel=Tunnel("vxlan", 8473))},
        "vxlan on UDP port 8473, and by vxlan on UDP port 8472",
        "create cluster-2 again",
        OVERLAY_2,
    ),
    Bad(
        "an overlay that keeps addresses of pods",
        {"agents": overlay_of(1, masquerades=False)},
        "with addresses of its overlay: nothing is masqueraded",
        "cilium.masquerade to auto",
        OVERLAY_2,
    ),
    Bad(
        "an overlay whose agent decides what keeps addresses",
        {"agents": overlay_of(1, masquerade_agent=True)},
        "with addresses of its overlay: ip-masq-agent's list decides",
        "ipMasqAgent",
        OVERLAY_2,
    ),
    Bad(
        "an overlay with a native network",
        {"agents": overlay_of(1, native_cidr="10.2.0.0/15")},
        "with addresses of its overlay: for 10.2.0.0/16",
        "remove ipv4NativeRoutingCIDR",
        OVERLAY_2,
    ),
    Bad(
        "ports of pods of an overlay",
        {"agents": overlay_of(1)},
        "is 8080/TCP, and pods reach each other through tunnels",
        "pulumi config rm --path 'eks-cilium:connection.podPorts'",
        OVERLAY_2,
        wanted(pod_ports=("8080/TCP",)),
    ),
    Bad(
        "two overlays with the same addresses",
        {"agents": overlay_of(1, pools=("10.102.128.0/17",))},
        "its pods have addresses of 10.102.128.0/17 (cluster-pool-ipv4-cidr), which overlaps the pool of "
        "cluster-2, 10.102.0.0/16",
        "cilium.overlay.podCidrs",
        OVERLAY_2,
    ),
    Bad(
        "an overlay with addresses of another cluster's Services",
        {"agents": overlay_of(1, pools=("172.20.0.0/16",))},
        "which overlaps the Services of cluster-2, 172.20.0.0/16",
        "cilium.overlay.podCidrs",
        replace(OVERLAY_2, service_cidr="172.20.0.0/16"),
    ),
    Bad(
        "an overlay with addresses of its own VPC",
        {"agents": overlay_of(1, pools=("10.1.128.0/17",))},
        "which overlaps vpc-1 10.1.0.0/16",
        "cilium.overlay.podCidrs",
        OVERLAY_2,
    ),
    Bad("three minors apart", {"agents": {"version": "1.16.19"}}, "1.16.19 and 1.19.7", "upgrade cluster-1"),
    Bad(
        "overlapping networks",
        {"network": {"cidrs": ("10.2.128.0/20",)}},
        "10.2.128.0/20 of vpc-1 overlaps 10.2.0.0/16 of vpc-2",
        "secondary CIDR",
    ),
    Bad(
        "an overlapping secondary network",
        {"network": {"cidrs": ("10.1.0.0/16", "100.64.0.0/16")}},
        "100.64.0.0/16 of vpc-1 overlaps 100.64.128.0/17 of vpc-2",
        "secondary CIDR",
        member_of(2, network={"cidrs": ("10.2.0.0/16", "100.64.128.0/17")}),
    ),
    Bad("one VPC", {"network": {"vpc_id": "vpc-2"}}, "are both in vpc-2", "no network to connect"),
    Bad(
        "masquerading without a native network",
        {"agents": {"masquerades": True}},
        "masqueraded as their node for 10.2.0.0/16 (ipv4-native-routing-cidr is not set)",
        "cilium.masquerade to off",
    ),
    Bad(
        "a native network that is too small",
        {"agents": {"masquerades": True, "native_cidr": "10.1.0.0/16"}},
        "masqueraded as their node for 10.2.0.0/16 (ipv4-native-routing-cidr is 10.1.0.0/16)",
        "set cilium.nativeRoutingCidr in its own stack to 10.0.0.0/14 or wider",
    ),
    Bad(
        "networks that no private network holds",
        {"agents": {"masquerades": True, "native_cidr": "10.1.0.0/16"}},
        "masqueraded as their node for 172.20.0.0/16",
        "no single private network holds all of the mesh",
        member_of(2, network={"cidrs": ("172.20.0.0/16",)}),
    ),
    Bad(
        "the VPC CNI translates",
        {"agents": {"chained": True, "ipam": "cluster-pool"}, "snat": Snat(external=False)},
        "aws-node translates what pods send to 10.2.0.0/16",
        "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=10.2.0.0/16",
    ),
    Bad(
        "the VPC CNI excludes something else",
        {
            "agents": {"chained": True, "ipam": "cluster-pool"},
            "snat": Snat(external=False, excluded=("10.9.0.0/16",)),
        },
        "to 10.2.0.0/16",
        "EXCLUDE_SNAT_CIDRS=10.9.0.0/16,10.2.0.0/16",
    ),
    Bad(
        "a peering of another owner",
        {"network": {"peerings": (Peering("pcx-9", "vpc-2"),)}},
        "pcx-9 already, which this stack did not create",
        "delete-vpc-peering-connection",
    ),
    Bad(
        "another stack's peering",
        {"network": {"peerings": (Peering("pcx-9", "vpc-2", "eks-cilium/other"),)}},
        "pcx-9 already",
        "delete-vpc-peering-connection",
    ),
    Bad(
        "a table without the route",
        {},
        "rtb-1b would get no routes, and subnet-1b use it",
        "pulumi config set --path 'eks-cilium:clusters.cluster-1.routeTableIds[1]' rtb-1b",
        wanted=wanted(route_tables={"cluster-1": ("rtb-1a",)}),
    ),
    Bad(
        "a route to another target",
        {"network": {"tables": with_route("10.2.0.0/16", "tgw-9")}},
        "has a route for 10.2.0.0/16 to tgw-9",
        "delete-route --region eu-central-1 --route-table-id rtb-1a --destination-cidr-block 10.2.0.0/16",
    ),
    Bad(
        "a narrower route",
        {"network": {"tables": with_route("10.2.3.0/24", "eni-9")}},
        "10.2.3.0/24 to eni-9",
        "delete-route",
    ),
    Bad(
        "a blackhole route",
        {"network": {"tables": with_route("10.2.0.0/16", "pcx-gone", "blackhole")}},
        "to pcx-gone (a blackhole)",
        "delete-route",
    ),
    Bad(
        "a route through a third VPC",
        {
            "network": {
                "tables": with_route("10.2.0.0/16", "pcx-3"),
                "peerings": (Peering("pcx-3", "vpc-3"),),
            }
        },
        "a peering with vpc-3: peering is not transitive",
        "delete-route",
    ),
    Bad(
        "a gateway between regions",
        {},
        "eu-central-1, eu-west-1, and a Transit Gateway is in one region",
        "connection.type' peering",
        member_of(2, region="eu-west-1"),
        TRANSIT,
    ),
    Bad(
        "a gateway of its own for two accounts",
        {},
        "the accounts 111122223333, 444455556666",
        "Resource Access Manager",
        member_of(2, arn="arn:aws:eks:eu-central-1:444455556666:cluster/eks-2"),
        TRANSIT,
    ),
    Bad(
        "a gateway that does not exist",
        {},
        f"{TGW} does not exist here",
        "set the id",
        wanted=wanted(type="transit-gateway", gateway_id=TGW),
    ),
    Bad("a gateway that is being deleted", {}, "is deleting", "wait", wanted=attached(state="deleting")),
    Bad(
        "a gateway without association", {}, "does not associate", "modify", wanted=attached(associates=False)
    ),
    Bad(
        "a gateway without propagation", {}, "does not propagate", "modify", wanted=attached(propagates=False)
    ),
    Bad(
        "a gateway without association and propagation",
        {},
        "neither associates nor propagates",
        "modify-transit-gateway",
        wanted=attached(associates=False, propagates=False),
    ),
    Bad(
        "a shared gateway that has to accept attachments",
        {},
        f"{TGW} of account 111122223333 accepts no attachment of 444455556666 by itself",
        "in account 111122223333: aws ec2 modify-transit-gateway",
        OF_ANOTHER_ACCOUNT,
        attached(owner="111122223333"),
    ),
    Bad(
        "an attachment that waits for its acceptance",
        {},
        "accepts no attachment of 444455556666",
        "AutoAcceptSharedAttachments=enable",
        replace(
            OF_ANOTHER_ACCOUNT,
            network=network_of(2, attachments=(Attachment("tgw-attach-2", TGW, STACK, "pendingAcceptance"),)),
        ),
        attached(owner="111122223333"),
    ),
    Bad(
        "the same pool in two chained clusters",
        {"agents": {**CHAINED, "pools": ("198.19.0.0/16",)}, "snat": Snat(external=True)},
        "198.19.0.0/16 (cluster-pool-ipv4-cidr), which overlaps the pool of cluster-2, 198.19.0.0/16",
        "another cilium.pool",
        member_of(2, agents={**CHAINED, "pools": ("198.19.0.0/16",)}),
    ),
    Bad(
        "a pool within the network of another cluster",
        {"agents": {**CHAINED, "pools": ("198.19.0.0/16", "10.2.64.0/18")}, "snat": Snat(external=True)},
        "addresses of 10.2.64.0/18 (cluster-pool-ipv4-cidr), which overlaps vpc-2 10.2.0.0/16",
        "another cilium.pool",
    ),
    Bad(
        "another number of clusters",
        {"agents": {"max_clusters": 511}},
        "max-connected-clusters is 511 and 255",
        "clustermesh.maxConnectedClusters",
    ),
    Bad(
        "a VPC without host names",
        {"network": {"dns_hostnames": False}},
        "enableDnsHostnames is off in vpc-1",
        "modify-vpc-attribute --region eu-central-1 --vpc-id vpc-1 --enable-dns-hostnames",
    ),
    Bad(
        "a VPC without name resolution",
        {"network": {"dns_support": False}},
        "enableDnsSupport is off in vpc-1",
        "--enable-dns-support",
    ),
    Bad(
        "an attachment of another owner",
        {"network": {"attachments": (Attachment("tgw-attach-9", TGW),)}},
        "tgw-attach-9",
        "delete it",
        wanted=attached(),
    ),
    Bad(
        "another type than before",
        {
            "network": {
                "tables": with_route("10.2.0.0/16", "pcx-1"),
                "peerings": (Peering("pcx-1", "vpc-2", STACK),),
            }
        },
        "is transit-gateway, and this stack has connected the networks by peering",
        "pulumi destroy, then pulumi up",
        wanted=TRANSIT,
    ),
    Bad("another mesh", {"mesh_owner": "cilium"}, "Helm release cilium has installed", "useAPIServer"),
    Bad("a mesh without Helm", {"mesh_owner": ""}, "something other than Helm has installed", "useAPIServer"),
    Bad(
        "a zone of another owner",
        {"network": {"zones": (PrivateZone("Z9"),)}},
        "vpc-1 resolves mesh.cilium.io in private zone Z9",
        "disassociate-vpc-from-hosted-zone --hosted-zone-id Z9",
    ),
    Bad(
        "an open load balancer",
        {"mesh_service": mesh_service_of(balancer={"scheme": "internet-facing"})},
        "is internet-facing",
        "delete service",
    ),
    Bad(
        "an application load balancer",
        {"mesh_service": mesh_service_of(balancer={"type": "application"})},
        "is of type application",
        "delete service clustermesh-apiserver, and run pulumi up again",
    ),
    Bad(
        "a Classic load balancer",
        {"mesh_service": MeshService(kind="nlb", host="internal-a1.elb.amazonaws.com")},
        "internal-a1.elb.amazonaws.com, is of type classic, or gone",
        "delete service clustermesh-apiserver, and run pulumi up again",
    ),
    Bad(
        "a load balancer in a zone without nodes",
        {"mesh_service": mesh_service_of(balancer={"subnets": ("subnet-1a", "subnet-1z")})},
        "is in subnet-1z, which has no route to the other clusters",
        "delete service clustermesh-apiserver, and run pulumi up again",
    ),
    Bad(
        "a controller for a Service of Kubernetes' own",
        {"mesh_service": mesh_service_of(kind="nlb"), "controller": True},
        "aws-load-balancer-type: nlb, by which Kubernetes' own controller made its load balancer",
        "loadBalancerController' auto",
        wanted=wanted(load_balancer_controller="present"),
    ),
    Bad(
        "Kubernetes' own for a Service of the controller",
        {"mesh_service": mesh_service_of(kind="nlb-ip"), "controller": True},
        "aws-load-balancer-type: nlb-ip, by which the AWS Load Balancer Controller made",
        "loadBalancerController' auto",
        wanted=wanted(load_balancer_controller="absent"),
    ),
    Bad(
        "a controller that was removed",
        {"mesh_service": mesh_service_of(kind="external")},
        "made the load balancer of its ClusterMesh API server, and was not found",
        "install it again",
    ),
    Bad(
        "a controller that was removed, by its class",
        {"mesh_service": mesh_service_of(kind="nlb", load_balancer_class=MeshService.CLASS)},
        "made the load balancer of its ClusterMesh API server, and was not found",
        "set eks-cilium:clusterMesh.loadBalancerController to present",
    ),
    Bad(
        "replicas in an old version",
        {"agents": {"version": "1.15.19"}},
        "is 2, and cluster-1 runs Cilium 1.15.19",
        "replicas' 1",
        member_of(2, agents={"version": "1.16.19"}),
        wanted(replicas=2),
    ),
)


def first_of(bad: Bad) -> Member:
    """Cluster 1 with its change; an agents of None is a cluster without Cilium."""
    if "agents" in bad.change and bad.change["agents"] is None:
        return replace(member_of(1), agents=None)
    return member_of(1, **bad.change)


def said(bad: Bad) -> list[Blocker]:
    return blockers([first_of(bad), bad.other], bad.wanted)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_every_obstacle_is_a_blocker_with_its_fix(bad: Bad):
    (blocker, *more) = [blocker for blocker in said(bad) if bad.says in str(blocker)]

    assert not more
    assert bad.fix in blocker.fix
    assert str(blocker).count("\n") == 2


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_one_obstacle_is_one_blocker(bad: Bad):
    assert len(said(bad)) == 1 or bad.name in ("the same id", "one VPC")


GOOD = {
    "two clusters": ([member_of(1), member_of(2)], wanted()),
    "two overlays": (
        [
            replace(member_of(1, agents=overlay_of(1)), service_cidr="172.20.0.0/16"),
            replace(OVERLAY_2, service_cidr="172.20.0.0/16"),
        ],
        wanted(),
    ),
    "neighbouring minors": ([member_of(1, agents={"version": "1.18.11"}), member_of(2)], wanted()),
    "a native network that holds all": (
        [member_of(1, agents={"masquerades": True, "native_cidr": "10.0.0.0/8"}), member_of(2)],
        wanted(),
    ),
    "exceptions of its own": (
        [member_of(1, agents={"masquerades": True, "masquerade_agent": True}), member_of(2)],
        wanted(),
    ),
    "chained, translation left to the gateway": (
        [
            member_of(1, agents={"chained": True, "ipam": "cluster-pool"}, snat=Snat(external=True)),
            member_of(2),
        ],
        wanted(),
    ),
    "chained, with the peer excluded": (
        [
            member_of(
                1,
                agents={"chained": True, "ipam": "cluster-pool"},
                snat=Snat(external=False, excluded=("10.0.0.0/12",)),
            ),
            member_of(2),
        ],
        wanted(),
    ),
    "after the first run": (
        [
            member_of(
                1,
                network={
                    "tables": with_route("10.2.0.0/16", "pcx-1"),
                    "peerings": (Peering("pcx-1", "vpc-2", STACK),),
                    "zones": (PrivateZone("Z1", STACK),),
                },
                mesh_owner="cilium-clustermesh",
                mesh_service=mesh_service_of(),
            ),
            # Another account cannot read the tags of the zone.
            member_of(2, network={"zones": (PrivateZone("Z1"),)}),
        ],
        wanted(),
    ),
    "a Service that waits for its load balancer": (
        [member_of(1, mesh_owner="cilium-clustermesh", mesh_service=MeshService(kind="nlb")), member_of(2)],
        wanted(),
    ),
    "the controller came later, and the Service stays as it is": (
        [member_of(1, mesh_service=mesh_service_of(kind="nlb"), controller=True), member_of(2)],
        wanted(),
    ),
    "a class that counts more than the annotation": (
        [
            member_of(
                1,
                mesh_service=mesh_service_of(kind="nlb", load_balancer_class=MeshService.CLASS),
                controller=True,
            ),
            member_of(2),
        ],
        wanted(load_balancer_controller="present"),
    ),
    "a wider route to another target": (
        [member_of(1, network={"tables": with_route("10.0.0.0/8", "tgw-9")}), member_of(2)],
        wanted(),
    ),
    "an existing gateway": ([member_of(1), member_of(2)], attached()),
    "a shared gateway that accepts attachments": (
        [member_of(1), OF_ANOTHER_ACCOUNT],
        attached(owner="111122223333", accepts=True),
    ),
    "a shared gateway that has accepted the attachment": (
        [
            member_of(1),
            replace(
                OF_ANOTHER_ACCOUNT,
                network=network_of(2, attachments=(Attachment("tgw-attach-2", TGW, STACK),)),
            ),
        ],
        attached(owner="111122223333"),
    ),
    "two chained clusters with pools of their own": (
        [
            member_of(number, agents={**CHAINED, "pools": (pool,)}, snat=Snat(external=True))
            for number, pool in ((1, "198.18.0.0/16"), (2, "198.19.0.0/16"))
        ],
        wanted(),
    ),
    "every table in use is listed": (
        [member_of(1), member_of(2)],
        wanted(route_tables={"cluster-1": ("rtb-1a", "rtb-1b")}),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_joined_is_not_refused(name: str):
    members, how = GOOD[name]

    assert blockers(members, how) == []


def test_everything_is_said_at_once():
    bad = member_of(
        1,
        agents={"cluster_id": 2, **overlay_of(1)},
        network={"cidrs": ("10.2.0.0/16",)},
        mesh_owner="",
    )

    assert len(blockers([bad, member_of(2)], wanted())) == 4


def test_a_subnet_without_a_table_of_its_own_uses_the_main_table():
    network = network_of(1, subnets={"subnet-x": "eu-central-1a"})

    assert [table.id for table in network.tables_in_use] == ["rtb-1main"]
