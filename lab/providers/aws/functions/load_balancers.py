"""Functions that read load balancers, which controllers in the cluster create."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, only_one
from lab.providers.aws.shapes import tag_map
from lab.providers.errors import RefusedError
from lab.providers.values import Properties

# Attributes that are the same for every load balancer of the lab.
ALWAYS: Properties = {
    "accessLogs": {"bucket": "", "enabled": False, "prefix": ""},
    "clientKeepAlive": 3600,
    "connectionLogs": {"bucket": "", "enabled": False, "prefix": ""},
    "customerOwnedIpv4Pool": "",
    "desyncMitigationMode": "defensive",
    "dnsRecordClientRoutingPolicy": "any_availability_zone",
    "dropInvalidHeaderFields": False,
    "enableCrossZoneLoadBalancing": False,
    "enableDeletionProtection": False,
    "enableHttp2": True,
    "enablePrefixForIpv6SourceNat": "off",
    "enableTlsVersionAndCipherSuiteHeaders": False,
    "enableWafFailOpen": False,
    "enableXffClientPort": False,
    "enableZonalShift": False,
    "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": "",
    "healthCheckLogs": [],
    "idleTimeout": 60,
    "ipAddressType": "ipv4",
    "ipamPools": [],
    "preserveHostHeader": False,
    "secondaryIpsAutoAssignedPerSubnet": 0,
    "xffHeaderProcessingMode": "append",
}


def _matching(cloud: Cloud, arguments: Properties) -> list[tuple[Mapping[str, Any], dict[str, str]]]:
    client = cloud.client("elbv2")
    wanted = {
        **({"LoadBalancerArns": [arguments["arn"]]} if arguments.get("arn") else {}),
        **({"Names": [arguments["name"]]} if arguments.get("name") else {}),
    }
    listed = client.describe_load_balancers(**wanted)["LoadBalancers"]
    tagged = [(balancer, _tags(client, balancer["LoadBalancerArn"])) for balancer in listed]
    asked = (arguments.get("tags") or {}).items()
    return [
        (balancer, tags) for balancer, tags in tagged if all(tags.get(key) == value for key, value in asked)
    ]


def _tags(client: Any, arn: str) -> dict[str, str]:
    return tag_map(client.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


def load_balancer(cloud: Cloud, arguments: Properties) -> Properties:
    if not any(arguments.get(name) for name in ("arn", "name", "tags")):
        raise RefusedError("give one of arn, name, tags")
    matching = _matching(cloud, arguments)
    found = only_one([balancer for balancer, _ in matching], "load balancer")
    arn = str(found["LoadBalancerArn"])
    subnets = [zone["SubnetId"] for zone in found.get("AvailabilityZones", [])]
    return {
        **ALWAYS,
        "id": arn,
        "arn": arn,
        "arnSuffix": arn.partition(":loadbalancer/")[2],
        "name": found["LoadBalancerName"],
        "dnsName": found["DNSName"],
        "zoneId": found["CanonicalHostedZoneId"],
        "internal": found["Scheme"] == "internal",
        "loadBalancerType": found["Type"],
        "vpcId": found["VpcId"],
        "subnets": subnets,
        "subnetMappings": [_mapping(subnet) for subnet in subnets],
        "securityGroups": found.get("SecurityGroups") or [],
        "tags": matching[0][1],
    }


def _mapping(subnet: str) -> Properties:
    never = ("allocationId", "ipv6Address", "outpostId", "privateIpv4Address")
    return {**dict.fromkeys(never, ""), "subnetId": subnet}


def load_balancers(cloud: Cloud, arguments: Properties) -> Properties:
    return {
        "id": cloud.region,
        "arns": [balancer["LoadBalancerArn"] for balancer, _ in _matching(cloud, arguments)],
    }


FUNCTIONS = (
    Function("aws:lb/getLoadBalancer:getLoadBalancer", ("arn", "name", "tags"), load_balancer),
    Function("aws:lb/getLbs:getLbs", ("tags",), load_balancers),
)
