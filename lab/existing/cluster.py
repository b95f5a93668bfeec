"""The cluster, its add-ons and its node groups, made with EKS's API as the console and other tools do."""

from typing import Any

from lab.existing import roles
from lab.existing.access import Aws
from lab.existing.network import Network
from lab.existing.shape import Shape, VpcCni

_PATIENCE: dict[str, Any] = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 900}}


def make_control_plane(aws: Aws, shape: Shape, network: Network) -> None:
    """Make the cluster. EKS puts aws-node, kube-proxy and CoreDNS into it, unless add-ons are to follow."""
    aws.eks.create_cluster(
        name=shape.name,
        version=shape.kubernetes,
        roleArn=roles.control_plane(aws, shape.name),
        resourcesVpcConfig={"subnetIds": [*network.private, *network.public]},
        accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"},
        bootstrapSelfManagedAddons=shape.vpc_cni is VpcCni.SELF_MANAGED,
    )
    aws.eks.get_waiter("cluster_active").wait(name=shape.name, **_PATIENCE)


def add_networking(aws: Aws, shape: Shape) -> None:
    """Add the managed add-ons that nodes need to become ready; the self-managed ones are there already."""
    if shape.vpc_cni is VpcCni.MANAGED:
        for name in ("vpc-cni", "kube-proxy", "coredns"):
            aws.eks.create_addon(clusterName=shape.name, addonName=name)


def add_nodes(aws: Aws, shape: Shape, network: Network) -> None:
    """Make the node groups, all at once, and wait until their nodes are ready."""
    role = roles.node(aws, shape.name)
    for group in shape.node_groups:
        aws.eks.create_nodegroup(
            clusterName=shape.name,
            nodegroupName=group.name,
            scalingConfig={
                "minSize": group.minimum,
                "maxSize": group.maximum,
                "desiredSize": group.desired,
            },
            subnets=list(network.private),
            instanceTypes=[group.instance_type],
            amiType="AL2023_x86_64_STANDARD",
            nodeRole=role,
            labels={"pool": group.name},
        )
    for group in shape.node_groups:
        waiter = aws.eks.get_waiter("nodegroup_active")
        waiter.wait(clusterName=shape.name, nodegroupName=group.name, **_PATIENCE)


def add_storage(aws: Aws, shape: Shape) -> None:
    """Add the EBS driver, which is an add-on of EKS's in either kind of cluster."""
    issuer = aws.eks.describe_cluster(name=shape.name)["cluster"]["identity"]["oidc"]["issuer"]
    aws.eks.create_addon(
        clusterName=shape.name,
        addonName="aws-ebs-csi-driver",
        serviceAccountRoleArn=roles.ebs_driver(aws, shape.name, issuer),
    )


def await_addons(aws: Aws, shape: Shape) -> None:
    """Wait until every managed add-on is active."""
    for name in aws.eks.list_addons(clusterName=shape.name)["addons"]:
        aws.eks.get_waiter("addon_active").wait(clusterName=shape.name, addonName=name, **_PATIENCE)
