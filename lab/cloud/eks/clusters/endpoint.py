"""Whether nodes reach the API server's endpoint, by the cluster's access settings.

Without the private endpoint nodes come through the internet, with the address of a NAT gateway, which has to
be in the list of networks (docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, collapse_addresses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cloud.eks.aws_clients import AwsClients

_EVERYWHERE = IPv4Network("0.0.0.0/0")


def nodes_reach(aws: AwsClients, vpc: Mapping[str, Any]) -> bool:
    """Return whether nodes can register; `vpc` is the cluster's `resourcesVpcConfig`."""
    if vpc["endpointPrivateAccess"]:
        return True
    networks = list(collapse_addresses(map(IPv4Network, vpc["publicAccessCidrs"])))
    if networks == [_EVERYWHERE]:
        return True
    filters = [{"Name": "vpc-id", "Values": [vpc["vpcId"]]}]
    gateways = aws.ec2.describe_nat_gateways(Filters=filters)["NatGateways"]
    return any(
        IPv4Address(address["PublicIp"]) in network
        for gateway in gateways
        for address in gateway["NatGatewayAddresses"]
        if address.get("PublicIp")
        for network in networks
    )
