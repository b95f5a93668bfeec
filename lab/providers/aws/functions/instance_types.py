"""The function that reads an instance type: its interfaces, addresses, and architecture."""

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.functions.function import Function, only_one
from lab.providers.values import Properties


def instance_type(cloud: Cloud, arguments: Properties) -> Properties:
    name = arguments["instanceType"]
    found = only_one(cloud.ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"], "type")
    network = found["NetworkInfo"]
    return {
        "id": name,
        "instanceType": name,
        "hypervisor": found.get("Hypervisor", ""),
        "bareMetal": bool(found.get("BareMetal")),
        "defaultVcpus": found["VCpuInfo"]["DefaultVCpus"],
        "maximumNetworkInterfaces": network["MaximumNetworkInterfaces"],
        "maximumIpv4AddressesPerInterface": network["Ipv4AddressesPerInterface"],
        "supportedArchitectures": found["ProcessorInfo"]["SupportedArchitectures"],
    }


FUNCTIONS = (Function("aws:ec2/getInstanceType:getInstanceType", ("instanceType",), instance_type),)
