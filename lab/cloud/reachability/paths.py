"""The path of packets from a pod or node to a load balancer and on to its targets.

Each step that fails has its reason: name, load balancer, route there, route back, security groups, targets.
Network ACLs are not evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elb.models import LoadBalancer as Classic
from moto.elbv2.models import elbv2_backends

from lab.cloud.reachability.firewall import egress_denial, ingress_denial
from lab.cloud.reachability.routing import check_route, reaches_internet
from lab.cloud.route53.resolution import NoSuchHostError, balancer_behind, balancer_with


class UnreachableError(Exception):
    """No path exists; the message says at which step it ends."""


@dataclass(frozen=True)
class Reached:
    """A load balancer that is reachable, with the cluster and Service it belongs to."""

    balancer: Any
    owner: tuple[str, str]


def find_path(account: str, ec2: Any, *, instance: str, address: str, host: str, port: int) -> Reached:
    """Return the load balancer behind a host, if an address of an instance reaches a target through it."""
    source = _interface(ec2, instance, address)
    balancer = _balancer(account, ec2.get_vpc(source.vpc_id), host)
    _check_open(balancer, host, port)
    entrance = _reachable_interface(source, address, balancer, host, port)
    if isinstance(balancer, Classic):
        return Reached(balancer, _owner(account, balancer))
    _check_targets(account, balancer, address, entrance, port)
    return Reached(balancer, _owner(account, balancer))


def _interface(ec2: Any, instance_id: str, address: str) -> Any:
    instance = ec2.get_instance_by_id(instance_id)
    for nic in instance.nics.values() if instance is not None else ():
        if any(each["PrivateIpAddress"] == address for each in nic.private_ip_addresses):
            return nic
    message = f"no interface of instance {instance_id} has the address {address}"
    raise UnreachableError(message)


def _balancer(account: str, vpc: Any, host: str) -> Any:
    if host.replace(".", "").isdigit():
        found = balancer_with(account, host)
        if found is None:
            message = f"dial {host}: no route to host: no interface has the address {host}"
            raise UnreachableError(message)
        return found
    try:
        return balancer_behind(account, vpc, host)
    except NoSuchHostError as error:
        raise UnreachableError(str(error)) from error


def _check_open(balancer: Any, host: str, port: int) -> None:
    if getattr(balancer, "state", "active") != "active":
        message = f"dial {host}:{port}: load balancer {balancer.name} is {balancer.state}"
        raise UnreachableError(message)
    if port not in _ports(balancer):
        message = f"dial {host}:{port}: connection refused: {balancer.name} has no listener on port {port}"
        raise UnreachableError(message)


def _ports(balancer: Any) -> list[int]:
    if isinstance(balancer, Classic):
        return [int(each.load_balancer_port) for each in balancer.listeners]
    return [int(each.port) for each in balancer.listeners.values()]


def _reachable_interface(source: Any, address: str, balancer: Any, host: str, port: int) -> Any:
    """Return a reachable interface of the load balancer, or raise the reason of the first one."""
    reasons = []
    for eni in balancer.interfaces:
        reason = _reason_against(source, address, eni, balancer, port)
        if reason is None:
            return eni
        reasons.append(f"dial {host}:{port} ({eni.private_ip_address}): i/o timeout: {reason}")
    raise UnreachableError(reasons[0] if reasons else f"load balancer {balancer.name} has no address")


def _reason_against(source: Any, address: str, eni: Any, balancer: Any, port: int) -> str | None:
    if balancer.scheme != "internal" and source.vpc_id != eni.vpc_id:
        return None if reaches_internet(source) else f"subnet {source.subnet.id} has no route to the internet"
    target = eni.private_ip_address
    return (
        check_route(source.subnet, eni.subnet, target)
        or check_route(eni.subnet, source.subnet, address)
        or egress_denial(source, target, port)
        or ingress_denial(eni, address, port, source)
    )


def _check_targets(account: str, balancer: Any, address: str, entrance: Any, port: int) -> None:
    """Require at least one target that exists and allows the traffic in."""
    elbv2, ec2 = elbv2_backends[account][_region(balancer)], ec2_backends[account][_region(balancer)]
    listener = next(each for each in balancer.listeners.values() if int(each.port) == port)
    arns = [
        arn
        for action in listener.default_actions
        for arn in elbv2._get_target_group_arns_from(action_data=action.data)
    ]
    reasons = []
    for group in (elbv2.target_groups[arn] for arn in arns):
        for target in group.targets.values():
            # The client's address is preserved for targets by instance, not for targets by address.
            seen_as = address if group.target_type == "instance" else entrance.private_ip_address
            reason = _reason_against_target(ec2, group, target, seen_as, entrance)
            if reason is None:
                return
            reasons.append(reason)
    first = reasons[0] if reasons else "it has no targets"
    message = f"connection through load balancer {balancer.name}: i/o timeout: {first}"
    raise UnreachableError(message)


def _reason_against_target(ec2: Any, group: Any, target: Any, client: str, entrance: Any) -> str | None:
    identifier, number = target["Id"], int(target["Port"])
    if group.target_type == "instance":
        instance = ec2.get_instance_by_id(identifier)
        if instance is None or instance.state != "running":
            return f"target {identifier} does not run"
        return ingress_denial(instance.nics[0], client, number, entrance)
    for eni in ec2.enis.values():
        if eni.vpc_id == group.vpc_id and any(
            each["PrivateIpAddress"] == identifier for each in eni.private_ip_addresses
        ):
            return ingress_denial(eni, client, number, entrance)
    return f"no interface has the address {identifier}"


def _region(balancer: Any) -> str:
    region: str = balancer.arn.split(":")[3]
    return region


def _owner(account: str, balancer: Any) -> tuple[str, str]:
    """Return the cluster and the Service that a load balancer's tags name."""
    tags = balancer.tags if isinstance(balancer, Classic) else _tags(account, balancer)
    prefix = "kubernetes.io/cluster/"
    owned = next((key.removeprefix(prefix) for key in tags if key.startswith(prefix)), "")
    cluster = tags.get("elbv2.k8s.aws/cluster", owned)
    return cluster, tags.get("service.k8s.aws/stack") or tags.get("kubernetes.io/service-name", "")


def _tags(account: str, balancer: Any) -> dict[str, str]:
    listed = elbv2_backends[account][_region(balancer)].tagging_service.get_tag_dict_for_resource(
        balancer.arn
    )
    return dict(listed)
