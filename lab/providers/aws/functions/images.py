"""The function that finds a machine image."""

import re
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, NotFoundError, ec2_filters, only_one
from lab.providers.aws.shapes import from_api, smalls, tag_map
from lab.providers.values import Properties


def image(cloud: Cloud, arguments: Properties) -> Properties:
    """One image; with `mostRecent` the newest of several, otherwise several are refused."""
    listed = cloud.pages(
        "ec2",
        "describe_images",
        "Images",
        Owners=arguments.get("owners") or [],
        Filters=ec2_filters(arguments),
        IncludeDeprecated=bool(arguments.get("includeDeprecated")),
    )
    pattern = re.compile(arguments.get("nameRegex") or "")
    matching = [image for image in listed if pattern.search(image.get("Name", ""))]
    if arguments.get("mostRecent") and matching:
        return _outline(cloud, max(matching, key=lambda image: str(image["CreationDate"])))
    if not matching:
        raise NotFoundError("no image matches")
    return _outline(cloud, only_one(matching, "image"))


def _outline(cloud: Cloud, found: Mapping[str, Any]) -> Properties:
    same = ("architecture", "creationDate", "description", "hypervisor", "imageLocation", "imageType", "name")
    devices = [
        {
            "deviceName": mapping.get("DeviceName", ""),
            "ebs": {key: str(value) for key, value in smalls(mapping.get("Ebs") or {}).items()},
            "noDevice": "",
            "virtualName": mapping.get("VirtualName") or "",
        }
        for mapping in found.get("BlockDeviceMappings", [])
    ]
    return {
        **from_api(
            found, *same, "imageId", "ownerId", "platform", "public", "rootDeviceName", "rootDeviceType"
        ),
        **from_api(found, "sriovNetSupport", "state", "virtualizationType", "enaSupport", id="ImageId"),
        "arn": f"arn:{cloud.partition}:ec2:{cloud.region}::image/{found['ImageId']}",
        "blockDeviceMappings": devices,
        "productCodes": [],
        "tags": tag_map(found.get("Tags")),
    }


FUNCTIONS = (
    Function(
        "aws:ec2/getAmi:getAmi",
        ("filters", "includeDeprecated", "mostRecent", "nameRegex", "owners", "allowUnsafeFilter"),
        image,
    ),
)
