"""IAM instance profiles: what gives an instance its role."""

from lab.providers.aws.cloud import Cloud, found, remove
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import given, tag_map, taken
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_profile(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Make a profile and put its role in."""
    made = cloud.iam.create_instance_profile(
        **given(inputs, "path", name="InstanceProfileName"), **iam_tags(inputs)
    )
    identifier = str(made["InstanceProfile"]["InstanceProfileName"])
    if inputs.get("role"):
        cloud.iam.add_role_to_instance_profile(InstanceProfileName=identifier, RoleName=inputs["role"])
    return identifier


def read_profile(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The profile and its role."""
    answer = found(cloud.iam.get_instance_profile, InstanceProfileName=identifier)
    if answer is None:
        return None
    profile = answer["InstanceProfile"]
    roles = profile.get("Roles") or [{}]
    return {
        **taken(profile, "arn", "path", name="InstanceProfileName", uniqueId="InstanceProfileId"),
        "role": roles[0].get("RoleName"),
        "createDate": profile["CreateDate"].isoformat(),
        "tagsAll": tag_map(profile.get("Tags")),
    }


def swap_role(cloud: Cloud, identifier: str, old: str | None, new: str | None) -> None:
    """A profile holds one role: the old one goes before the new one comes."""
    if old and old != new:
        remove(cloud.iam.remove_role_from_instance_profile, InstanceProfileName=identifier, RoleName=old)
    if new and old != new:
        cloud.iam.add_role_to_instance_profile(InstanceProfileName=identifier, RoleName=new)


def update_profile(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    """Only the role changes in place."""
    swap_role(cloud, identifier, before.get("role"), inputs.get("role"))


def delete_profile(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    """Take out the role that is in it now, then delete."""
    live = read_profile(cloud, identifier, {})
    if live is not None:
        swap_role(cloud, identifier, live["role"], None)
        remove(cloud.iam.delete_instance_profile, InstanceProfileName=identifier)


INSTANCE_PROFILE = ResourceType(
    "aws:iam/instanceProfile:InstanceProfile",
    inputs={"role": Input(), "path": Input(default="/", replaces=True)},
    outputs=("arn", "createDate", "uniqueId"),
    create=create_profile,
    read=read_profile,
    update=update_profile,
    delete=delete_profile,
    retag=retag_iam("instance_profile", "InstanceProfileName"),
    name="name",
    longest_name=128,
    regional=False,
)

TYPES = (INSTANCE_PROFILE,)
