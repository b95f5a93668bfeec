"""What a program has to know of a running cluster before it can add Cilium to it. Only reads.

Called when a replacement's program starts. Everything here stays the same while nodes are replaced, so that
what is made from it does not change from one run to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsNotFoundError

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
    """An EKS cluster that somebody else made."""

    name: str
    arn: str
    endpoint: str
    certificate_authority: str
    """Base64, as EKS returns it."""
    version: str
    issuer: str
    """Of the cluster's tokens, without https://, as IAM conditions spell it."""
    vpc_id: str
    cidr: str
    subnet_ids: tuple[str, ...]
    """Where the Auto Scaling groups of the cluster put nodes."""
    subnet_kinds: frozenset[SubnetKind]
    oidc_provider: OidcProvider | None
    cidrs: tuple[str, ...] = ()
    """All networks of the VPC."""
    service_cidr: str = ""
    """Network of Service addresses."""

    @property
    def account(self) -> str:
        """The AWS account it is in."""
        return self.arn.split(":")[4]


def find(name: str, aws: Callable[[str], Any], *, subnets: Sequence[str] = ()) -> ExistingCluster | None:
    """The cluster of that name; None while there is none that can be reached.

    `aws` makes boto3 clients; `subnets` are those of the nodes, where somebody said so.
    """
    eks, ec2 = aws("eks"), aws("ec2")
    try:
        described = eks.describe_cluster(name=name)["cluster"]
    except AwsNotFoundError:
        return None
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


def networks(vpc: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks of a VPC, its first one first; those that are on their way out do not count."""
    more = [
        one["CidrBlock"]
        for one in vpc.get("CidrBlockAssociationSet") or ()
        if (one.get("CidrBlockState") or {}).get("State", "associated") in ("associated", "associating")
    ]
    return tuple(dict.fromkeys([vpc["CidrBlock"], *more]))


def node_subnets(autoscaling: Any, cluster: str) -> tuple[str, ...]:
    """Subnets of the cluster's Auto Scaling groups, known by the tag every cluster's instances need."""
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
    """Whether nodes are in private subnets, public ones or both. Public leads to an internet gateway."""
    pages = ec2.get_paginator("describe_route_tables").paginate(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )
    tables = [table for page in pages for table in page["RouteTables"]]
    of_subnet = {one.get("SubnetId"): table for table in tables for one in table["Associations"]}
    main = next((table for table in tables for one in table["Associations"] if one.get("Main")), None)
    found = [of_subnet.get(subnet, main) for subnet in subnets]
    return frozenset("public" if table and _is_public(table["Routes"]) else "private" for table in found)


def oidc_provider(iam: Any, cluster_arn: str, issuer: str) -> OidcProvider | None:
    """The identity provider for an issuer, whoever made it; None where there is none."""
    _, partition, _, _, account, _ = cluster_arn.split(":", 5)
    arn = f"arn:{partition}:iam::{account}:oidc-provider/{issuer}"
    try:
        found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except AwsNotFoundError:
        return None
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()}
    return OidcProvider(arn, tuple(found.get("ClientIDList") or ()), tags)


def image_families(nodes: Sequence[Object]) -> frozenset[ImageFamily]:
    """Families of the images that nodes run, which decide how network interfaces are called."""
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
