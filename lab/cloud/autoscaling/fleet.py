"""EC2 as Auto Scaling needs it, and its implementation with moto's EC2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from moto.core.exceptions import ServiceException

from lab.cloud.autoscaling.model import Subnet, Template


class LaunchFailedError(Exception):
    """EC2 refused to launch the instance; the message is EC2's."""


class NotInFleetError(LookupError):
    """EC2 has no such subnet, launch template or instance; the message says which."""


@dataclass(frozen=True)
class LaunchOrder:
    """The parameters of one instance to launch."""

    subnet: Subnet
    template: Template
    instance_type: str | None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InstanceState:
    """The state of an instance in EC2."""

    subnet: Subnet
    instance_type: str
    state: str


class Fleet(Protocol):
    """The part of EC2 that groups use."""

    def subnet(self, identifier: str) -> Subnet:
        """Return the subnet with its zone."""

    def template(self, reference: dict[str, str]) -> Template:
        """Return the launch template that a reference names, with the version as in the reference."""

    def resolve(self, template: Template) -> Template:
        """Return the template with the number of the current version."""

    def instance_type(self, template: Template) -> str:
        """Return the instance type of that version, or an empty string."""

    def launch(self, order: LaunchOrder) -> str:
        """Launch an instance and return its id."""

    def terminate(self, instance: str) -> None:
        """Terminate an instance, if it exists."""

    def facts(self, instance: str) -> InstanceState:
        """Return the current state of an instance."""

    def untag(self, instance: str, key: str) -> None:
        """Remove a tag from an instance."""


class Ec2Fleet:
    """moto's EC2 in one account and region."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def subnet(self, identifier: str) -> Subnet:
        try:
            found = self._backend.get_subnet(identifier)
        except ServiceException as error:
            message = f"The subnet ID '{identifier}' does not exist"
            raise NotInFleetError(message) from error
        return Subnet(found.id, found.availability_zone)

    def template(self, reference: dict[str, str]) -> Template:
        try:
            found = self._find(reference)
            version = str(reference.get("Version") or "$Default")
            found.get_version(version)
        except ServiceException as error:
            raise NotInFleetError(error.message) from error
        return Template(found.id, found.name, version)

    def resolve(self, template: Template) -> Template:
        try:
            version = self._version(template)
        except ServiceException as error:
            raise LaunchFailedError(error.message) from error
        return Template(template.id, version.template.name, str(version.number))

    def instance_type(self, template: Template) -> str:
        return str(self._version(template).data.get("InstanceType") or "")

    def launch(self, order: LaunchOrder) -> str:
        """Launch an instance from its launch template, in its subnet."""
        data = self._version(order.template).data
        interfaces = data.get("NetworkInterfaces") or []
        groups = next((item["Groups"] for item in interfaces if item.get("Groups")), None)
        try:
            reservation = self._backend.run_instances(
                data.get("ImageId"),
                1,
                None,
                [],
                instance_type=order.instance_type or data.get("InstanceType") or "m5.large",
                is_instance_type_default=False,
                region_name=self._backend.region_name,
                subnet_id=order.subnet.id,
                security_group_ids=groups or data.get("SecurityGroupIds") or [],
                tags={"instance": {**_instance_tags(data), **order.tags}},
                launch_template={"LaunchTemplateId": order.template.id, "Version": order.template.version},
                metadata_options=data.get("MetadataOptions") or {},
                nics=[],
            )
            instance = reservation.instances[0]
            self._give_profile(instance.id, data.get("IamInstanceProfile") or {})
        except ServiceException as error:
            raise LaunchFailedError(f"{error.message} Launching EC2 instance failed.") from error
        identifier: str = instance.id
        return identifier

    def terminate(self, instance: str) -> None:
        found = self._backend.get_instance_by_id(instance)
        if found is not None:
            found.terminate()

    def facts(self, instance: str) -> InstanceState:
        found = self._backend.get_instance_by_id(instance)
        if found is None:
            message = f"Invalid Instance ID(s): [{instance}] specified"
            raise NotInFleetError(message)
        return InstanceState(
            Subnet(found.subnet_id or "", found.availability_zone), found.instance_type, found.state
        )

    def untag(self, instance: str, key: str) -> None:
        self._backend.delete_tags([instance], {key: None})

    def _version(self, template: Template) -> Any:
        return self._backend.get_launch_template(template.id).get_version(template.version)

    def _find(self, reference: dict[str, str]) -> Any:
        if identifier := reference.get("LaunchTemplateId"):
            return self._backend.get_launch_template(identifier)
        return self._backend.get_launch_template_by_name(reference.get("LaunchTemplateName"))

    def _give_profile(self, instance: str, profile: dict[str, str]) -> None:
        if not profile:
            return
        self._backend.associate_iam_instance_profile(
            instance_id=instance,
            iam_instance_profile_name=profile.get("Name"),
            iam_instance_profile_arn=profile.get("Arn"),
        )


def _instance_tags(data: dict[str, Any]) -> dict[str, str]:
    """Return the tags that a launch template gives its instances."""
    specifications = data.get("TagSpecifications") or []
    tags = [tag for item in specifications if item.get("ResourceType") == "instance" for tag in item["Tags"]]
    return {tag["Key"]: tag["Value"] for tag in tags}
