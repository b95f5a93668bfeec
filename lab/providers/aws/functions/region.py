"""Functions about the region and the account: region, partition, caller, availability zones."""

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, ec2_filters
from lab.providers.values import Properties

REVERSE_DNS = {"aws": "com.amazonaws", "aws-cn": "cn.com.amazonaws.com.cn", "aws-us-gov": "com.amazonaws"}
SUFFIX = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}


def region(cloud: Cloud, arguments: Properties) -> Properties:
    # The SDK reads the region under its old and its new name.
    name = arguments.get("name") or cloud.region
    return {
        "id": name,
        "name": name,
        "region": name,
        "description": name,
        "endpoint": f"ec2.{name}.{SUFFIX[cloud.partition]}",
    }


def partition(cloud: Cloud, _: Properties) -> Properties:
    name = cloud.partition
    return {"id": name, "partition": name, "dnsSuffix": SUFFIX[name], "reverseDnsPrefix": REVERSE_DNS[name]}


def caller(cloud: Cloud, _: Properties) -> Properties:
    identity = cloud.identity
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def zones(cloud: Cloud, arguments: Properties) -> Properties:
    """The availability zones without the excluded ones, sorted by name."""
    answer = cloud.ec2.describe_availability_zones(
        AllAvailabilityZones=bool(arguments.get("allAvailabilityZones")),
        Filters=ec2_filters(arguments, state="state"),
    )
    names, ids = arguments.get("excludeNames") or (), arguments.get("excludeZoneIds") or ()
    kept = [
        zone
        for zone in sorted(answer["AvailabilityZones"], key=lambda entry: str(entry["ZoneName"]))
        if zone["ZoneName"] not in names and zone["ZoneId"] not in ids
    ]
    return {
        "id": cloud.region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": sorted({zone.get("GroupName") or cloud.region for zone in kept}),
    }


FUNCTIONS = (
    Function("aws:index/getRegion:getRegion", ("name", "id"), region),
    Function("aws:index/getPartition:getPartition", ("id",), partition, regional=False),
    Function("aws:index/getCallerIdentity:getCallerIdentity", ("id",), caller, regional=False),
    Function(
        "aws:index/getAvailabilityZones:getAvailabilityZones",
        ("allAvailabilityZones", "excludeNames", "excludeZoneIds", "filters", "state"),
        zones,
    ),
)
