"""Which AWS services an existing VPC reaches without a way out; `stacks/new_cluster_base.py` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.clients.aws import Credentials
from eks_cilium.errors import ProgramError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings


def endpoint_services(settings: NewClusterBaseSettings, aws_client: ClientOf) -> Sequence[str]:
    """The services that have an endpoint in the VPC, such as ecr.api; none where they cannot be read."""
    filters = [
        {"Name": "vpc-id", "Values": [settings.network.vpc_id]},
        {"Name": "vpc-endpoint-state", "Values": ["available"]},
    ]
    try:
        ec2 = aws_client(Credentials(region=settings.region, profile=settings.profile), "ec2")
        pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=filters)
        names = [endpoint["ServiceName"] for page in pages for endpoint in page["VpcEndpoints"]]
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        pulumi.log.debug(f"the endpoints of {settings.network.vpc_id} could not be read: {error}")
        return ()
    # Such as com.amazonaws.eu-central-1.ecr.api, or cn.com.amazonaws.cn-north-1.ecr.api in China.
    return sorted({name.partition(f".{settings.region}.")[2] for name in names} - {""})


def warn_of_registries(isolated: Sequence[str]) -> None:
    """Say what nodes without a way out need besides AWS's services."""
    if isolated:
        pulumi.log.warn(
            f"{', '.join(isolated)} have no default route: nodes there reach AWS by the VPC's endpoints, and "
            "no other registry. Images of Cilium have to come from one that they reach, such as a cache in "
            "ECR (image.repository and the like in cilium.values)"
        )
