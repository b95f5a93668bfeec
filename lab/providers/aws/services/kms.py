"""KMS keys and their aliases."""

from collections.abc import Mapping, Sequence

from lab.providers.aws.cloud import Cloud, found, remove
from lab.providers.aws.shapes import as_json, given, same_json, taken
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_key(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    """Make a key and set what takes calls of its own."""
    kms = cloud.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in sorted(inputs["tagsAll"].items())]
    made = kms.create_key(
        **given(inputs, "description", "keyUsage", "multiRegion", "policy", customerMasterKeySpec="KeySpec"),
        Tags=tags,
    )
    identifier = str(made["KeyMetadata"]["KeyId"])
    update_key(
        cloud,
        identifier,
        {"isEnabled": True, "enableKeyRotation": False} | as_made(inputs),
        inputs,
        operation,
    )
    return identifier


def as_made(inputs: Properties) -> Properties:
    """What `CreateKey` has set already."""
    return {name: inputs.get(name) for name in ("description", "policy")}


def update_key(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    """Description, policy, rotation and whether it can be used."""
    kms = cloud.client("kms")
    if inputs.get("description") != before.get("description"):
        kms.update_key_description(KeyId=identifier, Description=inputs.get("description", ""))
    if inputs.get("policy") and not same_json(inputs["policy"], before.get("policy")):
        kms.put_key_policy(KeyId=identifier, PolicyName="default", Policy=inputs["policy"])
    if inputs["enableKeyRotation"] != before.get("enableKeyRotation"):
        (kms.enable_key_rotation if inputs["enableKeyRotation"] else kms.disable_key_rotation)(
            KeyId=identifier
        )
    if inputs["isEnabled"] != before.get("isEnabled"):
        (kms.enable_key if inputs["isEnabled"] else kms.disable_key)(KeyId=identifier)


def read_key(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    """The key; one that waits for its deletion counts as gone."""
    kms = cloud.client("kms")
    answer = found(kms.describe_key, KeyId=identifier)
    if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    key = answer["KeyMetadata"]
    tags = kms.list_resource_tags(KeyId=identifier)["Tags"]
    return {
        **taken(
            key, "arn", "keyId", "description", "keyUsage", "multiRegion", customerMasterKeySpec="KeySpec"
        ),
        "isEnabled": key["Enabled"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=identifier)["KeyRotationEnabled"],
        "policy": kms.get_key_policy(KeyId=identifier, PolicyName="default")["Policy"],
        "deletionWindowInDays": known.get("deletionWindowInDays"),
        "tagsAll": {tag["TagKey"]: tag["TagValue"] for tag in tags},
    }


def delete_key(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    """Schedule the deletion: KMS deletes no key at once."""
    if read_key(cloud, identifier, known) is not None:
        window = known.get("deletionWindowInDays") or 30
        remove(cloud.client("kms").schedule_key_deletion, KeyId=identifier, PendingWindowInDays=window)


def retag_key(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
    """Change the tags of a key."""
    kms = cloud.client("kms")
    if removed:
        kms.untag_resource(KeyId=identifier, TagKeys=list(removed))
    if added:
        kms.tag_resource(KeyId=identifier, Tags=[{"TagKey": k, "TagValue": v} for k, v in added.items()])


KEY = ResourceType(
    "aws:kms/key:Key",
    inputs={
        "description": Input(cloud_decides=True),
        "customerMasterKeySpec": Input(default="SYMMETRIC_DEFAULT", replaces=True),
        "deletionWindowInDays": Input(),
        "enableKeyRotation": Input(default=False),
        "isEnabled": Input(default=True),
        "keyUsage": Input(default="ENCRYPT_DECRYPT", replaces=True),
        "multiRegion": Input(cloud_decides=True, replaces=True),
        "policy": Input(cloud_decides=True, same=same_json, agrees=same_json, normal=as_json),
    },
    outputs=("arn", "keyId"),
    create=create_key,
    read=read_key,
    update=update_key,
    delete=delete_key,
    retag=retag_key,
)


def create_alias(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Give a key a name; the name is the id."""
    cloud.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return str(inputs["name"])


def read_alias(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The alias and the key it names."""
    for alias in cloud.pages("kms", "list_aliases", "Aliases"):
        if alias["AliasName"] == identifier:
            target = alias["TargetKeyId"]
            return {
                "name": identifier,
                "targetKeyId": target,
                "arn": alias["AliasArn"],
                "targetKeyArn": cloud.arn("kms", f"key/{target}"),
            }
    return None


def update_alias(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    """Let the name mean another key."""
    if inputs["targetKeyId"] != before.get("targetKeyId"):
        cloud.client("kms").update_alias(AliasName=identifier, TargetKeyId=inputs["targetKeyId"])


def delete_alias(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    """Forget the name."""
    remove(cloud.client("kms").delete_alias, AliasName=identifier)


ALIAS = ResourceType(
    "aws:kms/alias:Alias",
    inputs={"name": Input(required=True, replaces=True), "targetKeyId": Input(required=True)},
    outputs=("arn", "targetKeyArn"),
    create=create_alias,
    read=read_alias,
    update=update_alias,
    delete=delete_alias,
)

TYPES = (KEY, ALIAS)
