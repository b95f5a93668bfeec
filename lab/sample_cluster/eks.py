"""The EKS cluster, its add-ons and its node groups, created with the EKS API."""

from typing import Any

from lab.sample_cluster import roles
from lab.sample_cluster.clients import Aws
from lab.sample_cluster.network import Network
from lab.sample_cluster.spec import ClusterSpec, VpcCni

_WAITER: dict[str, Any] = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 900}}


def create_control_plane(aws: Aws, spec: ClusterSpec, network: Network) -> None:
    """Create the cluster and wait until it is ACTIVE.

    Where aws-node is to be self-managed, EKS installs it with kube-proxy and CoreDNS at creation.
    """
    aws.eks.create_cluster(
        name=spec.name,
        version=spec.kubernetes,
        roleArn=roles.control_plane(aws, spec.name),
        resourcesVpcConfig={"subnetIds": [*network.private, *network.public]},
        accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"},
        bootstrapSelfManagedAddons=spec.vpc_cni is VpcCni.SELF_MANAGED,
    )
    aws.eks.get_waiter("cluster_active").wait(name=spec.name, **_WAITER)


def create_networking_addons(aws: Aws, spec: ClusterSpec) -> None:
    """Create the add-ons that nodes need to become Ready, where aws-node is not self-managed."""
    if spec.vpc_cni is VpcCni.MANAGED:
        for name in ("vpc-cni", "kube-proxy", "coredns"):
            aws.eks.create_addon(clusterName=spec.name, addonName=name)


def create_node_groups(aws: Aws, spec: ClusterSpec, network: Network) -> None:
    """Create all node groups at the same time and wait until they are ACTIVE."""
    role = roles.node(aws, spec.name)
    for group in spec.node_groups:
        aws.eks.create_nodegroup(
            clusterName=spec.name,
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
    for group in spec.node_groups:
        waiter = aws.eks.get_waiter("nodegroup_active")
        waiter.wait(clusterName=spec.name, nodegroupName=group.name, **_WAITER)
    if spec.autoscaled:
        _suspend_rebalancing(aws, spec.name, spec.node_groups[0].name)


def _suspend_rebalancing(aws: Aws, cluster: str, nodegroup: str) -> None:
    """Suspend AZRebalance, as the Cluster Autoscaler's guide for AWS advises for groups in several zones.

    The autoscaler removes nodes of any zone; to balance the zones again, Auto Scaling would terminate
    instances with their pods. Source: kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md,
    "Common Notes and Gotchas".
    """
    found = aws.eks.describe_nodegroup(clusterName=cluster, nodegroupName=nodegroup)["nodegroup"]
    for group in found["resources"]["autoScalingGroups"]:
        aws.autoscaling.suspend_processes(
            AutoScalingGroupName=group["name"], ScalingProcesses=["AZRebalance"]
        )


def create_storage_addon(aws: Aws, spec: ClusterSpec) -> None:
    """Create the EBS CSI driver's add-on, with its IAM role."""
    issuer = aws.eks.describe_cluster(name=spec.name)["cluster"]["identity"]["oidc"]["issuer"]
    aws.eks.create_addon(
        clusterName=spec.name,
        addonName="aws-ebs-csi-driver",
        serviceAccountRoleArn=roles.ebs_driver(aws, spec.name, issuer),
    )


def wait_for_addons(aws: Aws, spec: ClusterSpec) -> None:
    """Wait until every managed add-on is ACTIVE."""
    for name in aws.eks.list_addons(clusterName=spec.name)["addons"]:
        aws.eks.get_waiter("addon_active").wait(clusterName=spec.name, addonName=name, **_WAITER)
