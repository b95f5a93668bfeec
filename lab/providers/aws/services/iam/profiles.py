"""The resource type of IAM instance profiles."""

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import iam_tags, retag_iam
from lab.providers.aws.shapes import from_api, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_profile(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    created = cloud.iam.create_instance_profile(
        **to_api(inputs, "path", name="InstanceProfileName"), **iam_tags(inputs)
    )
    identifier = str(created["InstanceProfile"]["InstanceProfileName"])
    if inputs.get("role"):
        cloud.iam.add_role_to_instance_profile(InstanceProfileName=identifier, RoleName=inputs["role"])
    return identifier


def read_profile(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    answer = find(cloud.iam.get_instance_profile, InstanceProfileName=identifier)
    if answer is None:
        return None
    profile = answer["InstanceProfile"]
    roles = profile.get("Roles") or [{}]
    return {
        **from_api(profile, "arn", "path", name="InstanceProfileName", uniqueId="InstanceProfileId"),
        "role": roles[0].get("RoleName"),
        "createDate": profile["CreateDate"].isoformat(),
        "tagsAll": tag_map(profile.get("Tags")),
    }


def swap_role(cloud: Cloud, identifier: str, old: str | None, new: str | None) -> None:
    # A profile holds only one role, so the old one is removed first.
    if old and old != new:
        remove(cloud.iam.remove_role_from_instance_profile, InstanceProfileName=identifier, RoleName=old)
    if new and old != new:
        cloud.iam.add_role_to_instance_profile(InstanceProfileName=identifier, RoleName=new)


def update_profile(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    swap_role(cloud, identifier, before.get("role"), inputs.get("role"))


def delete_profile(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    # The role that is in it now may not be that of the state.
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
