"""The resource type of VPC endpoints (gateway and interface)."""

from lab.providers.aws.cloud import Cloud, find
from lab.providers.aws.services.tagging import ec2_tags, retag_ec2
from lab.providers.aws.shapes import as_json, from_api, same_json, same_set, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until
from lab.providers.values import Properties

LIMIT = 600.0
LISTS = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}
DELETED = "deleted"


def create_endpoint(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.ec2.create_vpc_endpoint(
        **to_api(inputs, "vpcId", "serviceName", "vpcEndpointType", "privateDnsEnabled", *LISTS),
        **to_api(inputs, policy="PolicyDocument"),
        **ec2_tags("vpc-endpoint", inputs),
    )
    return str(created["VpcEndpoint"]["VpcEndpointId"])


def endpoint(cloud: Cloud, identifier: str) -> Properties:
    answer = find(cloud.ec2.describe_vpc_endpoints, VpcEndpointIds=[identifier])
    if not answer or not answer["VpcEndpoints"]:
        return {"State": DELETED}
    described: Properties = answer["VpcEndpoints"][0]
    return described


def wait_endpoint_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    seen = wait_until(
        operation,
        lambda: endpoint(cloud, identifier),
        lambda live: str(live["State"]).lower() != "pending",
        lambda live: f"endpoint is {live['State']}",
        limit=LIMIT,
    )
    if seen is None or str(seen["State"]).lower() != "available":
        return [f"endpoint {identifier} is {seen['State'] if seen else 'still pending'}"]
    return []


def read_endpoint(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = endpoint(cloud, identifier)
    if str(live["State"]).lower() in {DELETED, "deleting"}:
        return None
    names = [
        {"dnsName": e.get("DnsName"), "hostedZoneId": e.get("HostedZoneId")}
        for e in live.get("DnsEntries", [])
    ]
    return {
        **from_api(
            live, "vpcId", "serviceName", "vpcEndpointType", "privateDnsEnabled", "routeTableIds", "subnetIds"
        ),
        **from_api(
            live, "networkInterfaceIds", "ownerId", "requesterManaged", "state", policy="PolicyDocument"
        ),
        "securityGroupIds": [group["GroupId"] for group in live.get("Groups", [])],
        "dnsEntries": names,
        "prefixListId": prefix_list(cloud, live) if live.get("VpcEndpointType") == "Gateway" else None,
        "arn": cloud.arn("ec2", f"vpc-endpoint/{identifier}"),
        "tagsAll": tag_map(live.get("Tags")),
    }


def prefix_list(cloud: Cloud, live: Properties) -> str | None:
    """The prefix list of a gateway endpoint's service; security groups refer to it."""
    only = [{"Name": "prefix-list-name", "Values": [live["ServiceName"]]}]
    lists = cloud.ec2.describe_managed_prefix_lists(Filters=only)["PrefixLists"]
    return lists[0]["PrefixListId"] if lists else None


def update_endpoint(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    changes: Properties = {}
    for name, api in LISTS.items():
        old, new = set(before.get(name) or ()), set(inputs.get(name) or before.get(name) or ())
        changes |= {f"Add{api}": sorted(new - old)} if new - old else {}
        changes |= {f"Remove{api}": sorted(old - new)} if old - new else {}
    changed: Properties = {
        name: inputs[name]
        for name in ("policy", "privateDnsEnabled")
        if name in inputs and inputs[name] != before.get(name)
    }
    changes |= to_api(changed, "privateDnsEnabled", policy="PolicyDocument")
    if changes:
        cloud.ec2.modify_vpc_endpoint(VpcEndpointId=identifier, **changes)


def delete_endpoint(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    # Its interfaces keep subnets and security groups in use until it is deleted.
    answer = find(cloud.ec2.delete_vpc_endpoints, VpcEndpointIds=[identifier])
    for failure in (answer or {}).get("Unsuccessful", []):
        error = failure.get("Error", {})
        if not str(error.get("Code", "")).endswith("NotFound"):
            raise RefusedError(f"{error.get('Code')}: {error.get('Message')}")
    last = wait_until(
        operation,
        lambda: endpoint(cloud, identifier),
        lambda live: str(live["State"]).lower() == DELETED,
        lambda live: f"endpoint is {live['State']}",
        limit=LIMIT,
    )
    if last is None:
        raise RefusedError(f"endpoint {identifier} still exists after {LIMIT:.0f}s")


VPC_ENDPOINT = ResourceType(
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    inputs={
        "vpcId": Input(required=True, replaces=True),
        "serviceName": Input(required=True, replaces=True),
        "vpcEndpointType": Input(default="Gateway", replaces=True),
        "privateDnsEnabled": Input(cloud_decides=True),
        "policy": Input(cloud_decides=True, same=same_json, agrees=same_json, normal=as_json),
        **{name: Input(cloud_decides=True, same=same_set) for name in LISTS},
    },
    outputs=(
        "arn",
        "dnsEntries",
        "networkInterfaceIds",
        "ownerId",
        "prefixListId",
        "requesterManaged",
        "state",
    ),
    create=create_endpoint,
    read=read_endpoint,
    update=update_endpoint,
    delete=delete_endpoint,
    retag=retag_ec2,
    wait_ready=wait_endpoint_ready,
)

TYPES = (VPC_ENDPOINT,)
