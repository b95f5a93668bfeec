"""Resource types of Elastic IPs and NAT gateways."""

from lab.providers.aws.cloud import Cloud, find, remove, remove_when_free
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import from_api, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

NAT_LIMIT = 600.0


def create_eip(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.allocate_address(**to_api(inputs, "domain"), **ec2_tags("elastic-ip", inputs))
    return str(created["AllocationId"])


def read_eip(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.ec2.describe_addresses, AllocationIds=[identifier])
    if not answer or not answer["Addresses"]:
        return None
    address = answer["Addresses"][0]
    dashed = str(address["PublicIp"]).replace(".", "-")
    return {
        **from_api(address, "allocationId", "publicIp", "domain", "associationId"),
        "privateIp": address.get("PrivateIpAddress"),
        "networkInterface": address.get("NetworkInterfaceId"),
        "publicDns": f"ec2-{dashed}.compute.amazonaws.com",
        "arn": cloud.arn("ec2", f"elastic-ip/{identifier}"),
        "tagsAll": tag_map(address.get("Tags")),
    }


def delete_eip(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # The address can only be released after its NAT gateway is deleted.
    remove_when_free(operation, cloud.ec2.release_address, AllocationId=identifier)


EIP = ResourceType(
    "aws:ec2/eip:Eip",
    inputs={"domain": Input(default="vpc", replaces=True)},
    outputs=(
        "arn",
        "allocationId",
        "associationId",
        "networkInterface",
        "privateIp",
        "publicDns",
        "publicIp",
    ),
    create=create_eip,
    read=read_eip,
    update=lambda *_: None,
    delete=delete_eip,
    retag=retag_ec2,
)


def create_nat_gateway(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.create_nat_gateway(
        **to_api(inputs, "subnetId", "allocationId", "connectivityType"),
        **ec2_tags("natgateway", inputs),
    )
    return str(created["NatGateway"]["NatGatewayId"])


def nat_gateway(cloud: Cloud, identifier: str) -> Properties:
    # EC2 describes a deleted gateway for about an hour; a missing one counts as deleted too.
    answer = find(cloud.ec2.describe_nat_gateways, NatGatewayIds=[identifier])
    if not answer or not answer["NatGateways"]:
        return {"State": "deleted"}
    described: Properties = answer["NatGateways"][0]
    return described


def wait_nat_gateway_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    seen = wait_until(
        operation,
        lambda: nat_gateway(cloud, identifier),
        lambda gateway: gateway["State"] != "pending",
        lambda gateway: f"NAT gateway is {gateway['State']}",
        limit=NAT_LIMIT,
    )
    if seen is None:
        return [f"NAT gateway {identifier} is still pending after {NAT_LIMIT:.0f}s"]
    return [seen.get("FailureMessage", "failed")] if seen["State"] == "failed" else []


def read_nat_gateway(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    gateway = nat_gateway(cloud, identifier)
    if gateway["State"] in {"deleted", "deleting"}:
        return None
    addresses = gateway.get("NatGatewayAddresses") or [{}]
    return {
        **from_api(gateway, "subnetId", "connectivityType"),
        **from_api(
            addresses[0], "allocationId", "publicIp", "privateIp", "networkInterfaceId", "associationId"
        ),
        "tagsAll": tag_map(gateway.get("Tags")),
    }


def delete_nat_gateway(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # Its address and subnet stay in use until it is deleted.
    remove(cloud.ec2.delete_nat_gateway, NatGatewayId=identifier)
    seen = wait_until(
        operation,
        lambda: nat_gateway(cloud, identifier),
        lambda gateway: gateway["State"] == "deleted",
        lambda gateway: f"NAT gateway is {gateway['State']}",
        limit=NAT_LIMIT,
    )
    if seen is None:
        raise RefusedError(f"NAT gateway {identifier} still exists after {NAT_LIMIT:.0f}s")


NAT_GATEWAY = ResourceType(
    "aws:ec2/natGateway:NatGateway",
    inputs={
        "subnetId": Input(required=True, replaces=True),
        "allocationId": Input(replaces=True),
        "connectivityType": Input(default="public", replaces=True),
    },
    outputs=("associationId", "networkInterfaceId", "privateIp", "publicIp"),
    create=create_nat_gateway,
    read=read_nat_gateway,
    update=lambda *_: None,
    delete=delete_nat_gateway,
    retag=retag_ec2,
    wait_ready=wait_nat_gateway_ready,
)

TYPES = (EIP, NAT_GATEWAY)
