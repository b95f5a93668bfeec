"""Keys of a mesh: its clusters, what connects their networks, and Cilium's ClusterMesh."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eks_cilium.settings.model.fields import Part, option

ALL_PORTS = "all"
"""The item of `podPorts` that opens every port of pods to the other clusters; policies alone decide then."""

STACK_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"
ROUTE_TABLE_ID = r"^rtb-[0-9a-f]{8,17}$"

RouteTableId = Annotated[str, Field(pattern=ROUTE_TABLE_ID)]


class MeshCluster(Part):
    """A cluster that runs Cilium: created by a stack of this program or otherwise."""

    stack: str | None = option(
        None,
        says="Stack of this program that created the cluster or installed Cilium in it.",
        allowed="organization/project/stack; `organization` where stacks are kept in a file or a bucket",
        example="organization/eks-cilium/dev",
        pattern=STACK_NAME,
    )
    name: str | None = option(
        None,
        says="Name of the cluster in EKS, where no stack of this program exports it.",
        allowed="the name of an EKS cluster: 1 to 100 letters, digits, dashes and underscores",
        example="production",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
    )
    region: str | None = option(
        None,
        says="Region of the cluster, where it is not that of its stack or `aws:region`.",
        allowed="an AWS region such as eu-west-1",
        example="eu-west-1",
        pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$",
    )
    profile: str | None = option(
        None,
        says="AWS profile of the cluster's account, where it is not `aws:profile`.",
        allowed="the name of an AWS profile",
        example="payments",
        min_length=1,
    )
    route_table_ids: tuple[RouteTableId, ...] = option(
        (),
        says="Route tables that may get routes; every one that is in use when unset.",
        allowed="a list of route table ids that holds every table nodes, pods or load balancers use",
        example=["rtb-0123456789abcdef0"],
    )


class Connection(Part):
    """What connects the networks of the clusters."""

    type: Literal["peering", "transit-gateway"] = option(
        "peering",
        says="VPC peering for each pair of clusters, or one Transit Gateway for all of them.",
        allowed="peering or transit-gateway",
        example="peering",
    )
    transit_gateway_id: str | None = option(
        None,
        says="Existing Transit Gateway to use instead of a new one.",
        allowed="the id of a Transit Gateway",
        example="tgw-0123456789abcdef0",
        pattern=r"^tgw-[0-9a-f]{8,17}$",
    )
    pod_ports: tuple[str, ...] = option(
        (),
        says="Ports of pods that the other clusters may reach, besides those of `policies.intents`.",
        allowed="a list of ports such as 8080/TCP, or ranges such as 8000-8100/UDP; or [all]",
        example=["8080/TCP"],
    )


class Authorities(Part):
    """The certificate authorities of the mesh, by number; docs/mesh.md describes their rotation."""

    issuing: int = option(
        1,
        says="The authority that signs certificates.",
        allowed="a whole number from 1 that `trusted` holds as well",
        example=1,
        ge=1,
    )
    trusted: tuple[int, ...] = option(
        (1,),
        says="The authorities that are trusted; two of them during a rotation.",
        allowed="one or two different whole numbers from 1",
        example=[1, 2],
        min_length=1,
        max_length=2,
    )


class ClusterMesh(Part):
    """Cilium's ClusterMesh, in the version each cluster runs."""

    chart_repository: str = option(
        "https://helm.cilium.io/",
        says="The source of the charts.",
        allowed="an https:// repository, an oci:// path, or a directory holding cilium-<version>.tgz",
        example="https://helm.cilium.io/",
        min_length=1,
    )
    scheme: Literal["internal"] = option(
        "internal",
        says="Scheme of the load balancers.",
        allowed="internal: the ClusterMesh API server is an etcd and never belongs on the internet",
        example="internal",
    )
    load_balancer_controller: Literal["auto", "present", "absent"] = option(
        "auto",
        says="Whether the AWS Load Balancer Controller creates the load balancers; `auto` detects it.",
        allowed="auto, present or absent",
        example="auto",
    )
    service_annotations: dict[str, str] = option(
        default_factory=dict,
        says="More annotations for the Service behind each load balancer.",
        allowed="an object of annotations other than those that decide scheme, type and sources",
        example={"service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled": "true"},
    )
    replicas: int = option(
        1,
        says="Replicas of the ClusterMesh API server in each cluster; more than one from Cilium 1.16 on.",
        allowed="1 to 3",
        example=2,
        ge=1,
        le=3,
    )
    authorities: Authorities = option(
        default_factory=Authorities,
        says="The certificate authorities of the mesh.",
        example={"issuing": 1, "trusted": [1]},
    )
    zone_owner: str | None = option(
        None,
        says="Cluster whose account holds the private zone; the first cluster by name when unset.",
        allowed="the name of one of the clusters; keep it once the clusters are joined",
        example="cluster-1",
    )
    timeout_seconds: int = option(
        900,
        says="Seconds that the load balancers, and then the agents of a cluster, may take to become ready.",
        allowed="60 to 7200",
        example=900,
        ge=60,
        le=7200,
    )
