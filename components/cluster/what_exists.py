"""What AWS has already under the name of a cluster, before anything is registered.

`stacks/new_cluster_base.py` asks, because some mistakes show only then: a change that would replace the
cluster, and a log group that an earlier cluster of the same name has left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.naming import CLUSTER_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RunningControlPlane:
    """What EKS never changes about a cluster of this stack, or in one direction only."""

    service_cidr: str
    vpc_id: str
    vpc_cidr: str
    role_arn: str = ""
    authentication_mode: str = "API"


@dataclass(frozen=True)
class Existing:
    """What exists under the name of the cluster."""

    cluster: bool
    """Whether a cluster of the name exists, by any creator."""
    own: RunningControlPlane | None = None
    """The cluster, where its tags say that this program made it."""
    foreign_log_group: str | None = None
    """The log group of the control plane, where its tags do not say so."""


def what_exists(name: str, provider: aws.Provider) -> Existing:
    """Read the cluster and its log group; neither has to exist."""
    invoke = pulumi.InvokeOptions(provider=provider)
    if name in (aws.eks.get_clusters(opts=invoke).names or ()):
        return Existing(cluster=True, own=_control_plane(name, invoke))
    return Existing(cluster=False, foreign_log_group=_foreign_log_group(name, invoke))


def _control_plane(name: str, invoke: pulumi.InvokeOptions) -> RunningControlPlane | None:
    cluster = aws.eks.get_cluster(name=name, opts=invoke)
    if not _is_own(name, cluster.tags):
        return None
    vpc = aws.ec2.get_vpc(id=cluster.vpc_config.vpc_id, opts=invoke)
    return RunningControlPlane(
        service_cidr=cluster.kubernetes_network_configs[0].service_ipv4_cidr,
        vpc_id=vpc.id,
        vpc_cidr=vpc.cidr_block,
        role_arn=cluster.role_arn,
        authentication_mode=cluster.access_configs[0].authentication_mode,
    )


def _foreign_log_group(name: str, invoke: pulumi.InvokeOptions) -> str | None:
    group = f"/aws/eks/{name}/cluster"
    found = aws.cloudwatch.get_log_groups(log_group_name_prefix=group, opts=invoke)
    if group not in (found.log_group_names or ()):
        return None
    return None if _is_own(name, aws.cloudwatch.get_log_group(name=group, opts=invoke).tags) else group


def _is_own(name: str, tags: Mapping[str, str] | None) -> bool:
    return (tags or {}).get(CLUSTER_TAG) == name
