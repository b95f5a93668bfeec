"""The resource type of SSM parameters; the id is the name."""

from collections.abc import Mapping, Sequence

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.shapes import tag_list, tag_map, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties, Secret


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    tags = {"Tags": tag_list(inputs["tagsAll"])} if inputs.get("tagsAll") else {}
    cloud.client("ssm").put_parameter(**to_api(inputs, "name", "type", "value", "description"), **tags)
    return str(inputs["name"])


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    # The value is secret in the state, as in the real provider.
    ssm = cloud.client("ssm")
    answer = find(ssm.get_parameter, Name=identifier, WithDecryption=True)
    if answer is None:
        return None
    parameter = answer["Parameter"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=identifier)["TagList"]
    return {
        "name": parameter["Name"],
        "type": parameter["Type"],
        "value": Secret(parameter["Value"]),
        "version": parameter["Version"],
        "arn": parameter["ARN"],
        "tagsAll": tag_map(tags),
    }


def update(cloud: Cloud, _: str, before: Properties, inputs: Properties, __: Operation) -> None:
    names = ("type", "value", "description")
    if any(before.get(name) != inputs.get(name) for name in names):
        cloud.client("ssm").put_parameter(**to_api(inputs, "name", *names), Overwrite=True)


def delete(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    remove(cloud.client("ssm").delete_parameter, Name=identifier)


def retag(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
    ssm, which = cloud.client("ssm"), {"ResourceType": "Parameter", "ResourceId": identifier}
    if removed:
        ssm.remove_tags_from_resource(**which, TagKeys=list(removed))
    if added:
        ssm.add_tags_to_resource(**which, Tags=tag_list(added))


PARAMETER = ResourceType(
    "aws:ssm/parameter:Parameter",
    inputs={
        "type": Input(required=True),
        "value": Input(required=True),
        "description": Input(),
    },
    outputs=("arn", "version"),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag,
    name="name",
    name_prefix=False,
    changed_by_update=("version",),
)

TYPES = (PARAMETER,)
