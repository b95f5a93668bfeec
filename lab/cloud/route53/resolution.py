"""Name resolution for a machine in a VPC: first the private zones of the VPC, then public names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends

from lab.cloud.ec2.peerings import resolves_host_names
from lab.cloud.identity.identities import PARTITION

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_CHAIN = 8


class NoSuchHostError(LookupError):
    """A name does not resolve; the message says why."""


def balancer_behind(account: str, vpc: Any, host: str) -> Any:
    """Return the load balancer that a name resolves to within a VPC."""
    name = _plain(host)
    if str(vpc.enable_dns_support).lower() != "true":
        message = f"lookup {host}: the VPC {vpc.id} has DNS resolution switched off"
        raise NoSuchHostError(message)
    for _ in range(_LONGEST_CHAIN):
        found = next((each for each in every_balancer(account) if _plain(each.dns_name) == name), None)
        if found is not None:
            return found
        name = _next(account, vpc, host, name)
    message = f"lookup {host}: the chain of aliases is too long"
    raise NoSuchHostError(message)


def every_balancer(account: str) -> Iterator[Any]:
    """Yield the load balancers of all regions, Classic ones too."""
    for region in tuple(ec2_backends[account]):
        yield from tuple(elbv2_backends[account][region].load_balancers.values())
        yield from tuple(elb_backends[account][region].load_balancers.values())


def balancer_with(account: str, address: str) -> Any:
    """Return the load balancer that has an address, or None."""
    for each in every_balancer(account):
        if any(eni.private_ip_address == address for eni in each.interfaces):
            return each
    return None


def _next(account: str, vpc: Any, host: str, name: str) -> str:
    """Return the target of a record in the most specific private zone."""
    zones = route53_backends[account][PARTITION].zones.values()
    near = [zone for zone in zones if name == _plain(zone.name) or name.endswith(f".{_plain(zone.name)}")]
    if near and not resolves_host_names(vpc):
        # Route 53, "Considerations when working with a private hosted zone": both attributes must be true.
        message = f"lookup {host}: no such host: enableDnsHostnames is off in {vpc.id}"
        raise NoSuchHostError(message)
    seen = [zone for zone in near if any(each.get("vpc_id") == vpc.id for each in zone.vpcs)]
    if not seen:
        hint = "".join(f"; private zone {_plain(z.name)} is not associated with {vpc.id}" for z in near[:1])
        message = f"lookup {host}: no such host{hint}"
        raise NoSuchHostError(message)
    zone = max(seen, key=lambda each: len(each.name))
    for record in zone.rrsets:
        if _plain(record.name) == name and record.type in ("A", "CNAME"):
            return _target(account, record)
    message = f"lookup {host}: no such host: private zone {_plain(zone.name)} has no record {name}"
    raise NoSuchHostError(message)


def _target(account: str, record: Any) -> str:
    if record.alias_target:
        return _plain(record.alias_target["DNSName"])
    value = str(record.records[0])
    if record.type == "CNAME":
        return _plain(value)
    found = balancer_with(account, value)
    if found is None:
        message = f"dial {value}: no route to host: no interface has the address {value}"
        raise NoSuchHostError(message)
    return _plain(found.dns_name)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
