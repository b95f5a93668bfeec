"""What a stack has to know of a running cluster before it can add Cilium to it. It changes nothing.

Called when the programs of replacement and chaining start. None of it changes while nodes are replaced, so
that the resources that are registered from it stay the same from one run to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsNotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from eks_cilium.cilium.masquerade import ImageFamily, SubnetKind
    from eks_cilium.cluster.objects import Object

AUDIENCE = "sts.amazonaws.com"
_HTTPS = "https://"
_EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """The IAM identity provider of a cluster."""

    arn: str
    audiences: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExistingCluster:
    """An EKS cluster that this stack did not create."""

    name: str
    arn: str
    endpoint: str
    certificate_authority: str
    """Base64, as EKS returns it."""
    version: str
    issuer: str
    """Issuer of the cluster's tokens without https://, as IAM conditions spell it."""
    vpc_id: str
    cidr: str
    subnet_ids: tuple[str, ...]
    """Subnets of the cluster's Auto Scaling groups."""
    subnet_kinds: frozenset[SubnetKind]
    oidc_provider: OidcProvider | None
    cidrs: tuple[str, ...] = ()
    """All networks of the VPC, its first one first."""
    service_cidr: str = ""
    """The network of the Services' addresses."""

    @property
    def account(self) -> str:
        """Id of its AWS account."""
        return self.arn.split(":")[4]


def find(name: str, aws: Callable[[str], Any], *, subnets: Sequence[str] = ()) -> ExistingCluster | None:
    """The cluster of that name; None where none exists, or it has no endpoint yet.

    `aws` returns the boto3 client of a service. `subnets` are those of the nodes, where the configuration
    names them; otherwise they are read from the Auto Scaling groups. Raises UserError for a cluster that EKS
    does not run in the region.
    """
    eks, ec2 = aws("eks"), aws("ec2")
    try:
        described = eks.describe_cluster(name=name)["cluster"]
    except AwsNotFoundError:
        return None
    _refuse_other_kinds(name, described)
    if not described.get("endpoint") or not (described.get("certificateAuthority") or {}).get("data"):
        return None
    vpc_id = described["resourcesVpcConfig"]["vpcId"]
    vpc = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
    subnets = tuple(subnets) or node_subnets(aws("autoscaling"), name)
    return ExistingCluster(
        name=name,
        arn=described["arn"],
        endpoint=described["endpoint"],
        certificate_authority=described["certificateAuthority"]["data"],
        version=described["version"],
        issuer=(issuer := described["identity"]["oidc"]["issuer"].removeprefix(_HTTPS)),
        vpc_id=vpc_id,
        cidr=vpc["CidrBlock"],
        subnet_ids=subnets,
        subnet_kinds=subnet_kinds(ec2, vpc_id, subnets),
        oidc_provider=oidc_provider(aws("iam"), described["arn"], issuer),
        cidrs=networks(vpc),
        service_cidr=(described.get("kubernetesNetworkConfig") or {}).get("serviceIpv4Cidr") or "",
    )


def _refuse_other_kinds(name: str, described: Mapping[str, Any]) -> None:
    """Raise UserError for what EKS lists as a cluster, and this program cannot work in."""
    if described.get("connectorConfig"):
        raise UserError(
            f"{name} is no cluster of EKS: it was registered by EKS Connector, which only shows it"
        )
    if described.get("outpostConfig"):
        # docs.aws.amazon.com/eks/latest/userguide/eks-outposts-local-cluster-overview.html
        raise UserError(f"{name} is a local cluster on an Outpost, whose nodes this program does not know")


def networks(vpc: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks of a VPC, its first one first, without those that are being disassociated."""
    more = [
        block["CidrBlock"]
        for block in vpc.get("CidrBlockAssociationSet") or ()
        if (block.get("CidrBlockState") or {}).get("State", "associated") in ("associated", "associating")
    ]
    return tuple(dict.fromkeys([vpc["CidrBlock"], *more]))


def node_subnets(autoscaling: Any, cluster: str) -> tuple[str, ...]:
    """Subnets of the Auto Scaling groups with the tag that EKS requires of every node's instance."""
    pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        Filters=[{"Name": "tag-key", "Values": [f"kubernetes.io/cluster/{cluster}"]}]
    )
    return tuple(
        sorted(
            {
                subnet
                for page in pages
                for group in page["AutoScalingGroups"]
                for subnet in group.get("VPCZoneIdentifier", "").split(",")
                if subnet
            }
        )
    )


def subnet_kinds(ec2: Any, vpc_id: str, subnets: Iterable[str]) -> frozenset[SubnetKind]:
    """Kinds of the subnets: public ones have a default route to an internet gateway, others are private."""
    pages = ec2.get_paginator("describe_route_tables").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )
    tables = [table for page in pages for table in page["RouteTables"]]
    associations = [(entry, table) for table in tables for entry in table["Associations"]]
    of_subnet = {entry.get("SubnetId"): table for entry, table in associations}
    main = next((table for entry, table in associations if entry.get("Main")), None)
    found = [of_subnet.get(subnet, main) for subnet in subnets]
    return frozenset("public" if table and _is_public(table["Routes"]) else "private" for table in found)


def oidc_provider(iam: Any, cluster_arn: str, issuer: str) -> OidcProvider | None:
    """The identity provider of an issuer in the cluster's account; None where there is none."""
    _, partition, _, _, account, _ = cluster_arn.split(":", 5)
    arn = f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except AwsNotFoundError:
        return None
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()}
    return OidcProvider(arn, tuple(found.get("ClientIDList") or ()), tags)


def image_families(nodes: Sequence[Object]) -> frozenset[ImageFamily]:
    """Families of the nodes' images, which decide how their network interfaces are named."""
    return frozenset(_family(node["status"]["nodeInfo"]["osImage"]) for node in nodes)


def _family(image: str) -> ImageFamily:
    if image.startswith("Bottlerocket"):
        return "bottlerocket"
    return "al2" if image.startswith("Amazon Linux 2") and "2023" not in image else "al2023"


def _is_public(routes: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        route.get("DestinationCidrBlock") == _EVERYWHERE
        and str(route.get("GatewayId", "")).startswith("igw-")
        for route in routes
    )
