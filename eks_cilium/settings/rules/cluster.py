"""Rules about the control plane of a new cluster."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.settings.arns import partition_of
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def endpoint_is_reachable(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    endpoint, path = settings.cluster.endpoint, ("cluster", "endpoint", "privateAccess")
    if not endpoint.private_access and not endpoint.public_access:
        yield Problem(path, False, "at least one of privateAccess and publicAccess", set_fix(path, True))


def public_endpoint_says_for_whom(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS opens a public endpoint to the whole internet by default; here that has to be written out.
    endpoint, path = settings.cluster.endpoint, ("cluster", "endpoint", "publicAccessCidrs")
    if endpoint.public_access and not endpoint.public_access_cidrs:
        allowed = "the networks that may reach the public endpoint; 0.0.0.0/0 for the whole internet"
        yield Problem(path, UNSET, allowed, set_fix(path, ["203.0.113.0/24"]))
    if endpoint.public_access_cidrs and not endpoint.public_access:
        allowed = "nothing while publicAccess is false"
        yield Problem(path, list(endpoint.public_access_cidrs), allowed, remove_command(path))


def nodes_reach_a_public_endpoint(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html: without the private endpoint nodes come
    # through the addresses of their NAT gateways, which have to be in the list or no node joins. A new VPC
    # has no such addresses before it is created, and those of an existing one may change.
    endpoint = settings.cluster.endpoint
    networks = ipaddress.collapse_addresses(map(ipaddress.IPv4Network, endpoint.public_access_cidrs))
    restricted = list(networks) != [ipaddress.IPv4Network("0.0.0.0/0")]
    if endpoint.public_access and not endpoint.private_access and endpoint.public_access_cidrs and restricted:
        path = ("cluster", "endpoint", "privateAccess")
        allowed = (
            f"true while publicAccessCidrs is {', '.join(endpoint.public_access_cidrs)}: nodes would reach "
            "the endpoint through the internet only, by addresses that are not listed, and none would join"
        )
        yield Problem(path, False, allowed, set_fix(path, True))


def service_network_is_private(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS limits the network of Services to these sizes and blocks.
    text, path = settings.cluster.service_cidr, ("cluster", "serviceCidr")
    network = ipaddress.IPv4Network(text)
    if not 12 <= network.prefixlen <= 24 or not any(network.subnet_of(block) for block in _PRIVATE):
        allowed = "a network of /12 to /24 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        yield Problem(path, text, allowed, set_fix(path, "172.20.0.0/16"))


def protections_agree(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS would refuse the deletion that Pulumi has planned.
    path = ("cluster", "deletionProtection")
    if settings.cluster.deletion_protection and not settings.cluster.protect:
        allowed = "false while cluster.protect is false: a destroy would fail half-way"
        yield Problem(path, True, allowed, set_fix(("cluster", "protect"), True))


def secrets_have_one_key(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html: "created in the same Region".
    wanted, path = settings.cluster, ("cluster", "secretsKeyArn")
    arn = wanted.secrets_key_arn
    if arn is None:
        return
    if wanted.secrets_key is not None:
        yield Problem(path, arn, "nothing beside secretsKey, which makes a key", remove_command(path))
    yield from _of_the_region(path, arn, settings)


def logs_have_a_key_of_the_region(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    if settings.cluster.logs_key_arn is not None:
        yield from _of_the_region(("cluster", "logsKeyArn"), settings.cluster.logs_key_arn, settings)


def _of_the_region(path: tuple[str, ...], arn: str, settings: NewClusterBaseSettings) -> Iterator[Problem]:
    _, partition, _, region, rest = arn.split(":", 4)
    if (region, partition) != (settings.region, partition_of(settings.region)):
        allowed = f"a key in {settings.region}, the region of the cluster; this key is in {region}"
        own = f"arn:{partition_of(settings.region)}:kms:{settings.region}:{rest}"
        yield Problem(path, arn, allowed, set_fix(path, own))


def alias_is_the_users(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html: alias/aws/ is for keys of AWS.
    key, path = settings.cluster.secrets_key, ("cluster", "secretsKey", "alias")
    if key is not None and key.alias is not None and key.alias.startswith(("aws/", "alias/")):
        allowed = "a name without alias/ before it, not beginning with aws/, which is for keys of AWS"
        yield Problem(path, key.alias, allowed, set_fix(path, f"eks/{settings.cluster.name}"))


RULES = (
    endpoint_is_reachable,
    public_endpoint_says_for_whom,
    nodes_reach_a_public_endpoint,
    service_network_is_private,
    protections_agree,
    secrets_have_one_key,
    logs_have_a_key_of_the_region,
    alias_is_the_users,
)
