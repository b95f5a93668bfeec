"""Resource types of KMS keys and their aliases."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.shapes import as_json, from_api, same_json, to_api
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Operation
from lab.providers.values import Properties


def create_key(cloud: Cloud, inputs: Properties, operation: Operation) -> str:
    kms = cloud.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in sorted(inputs["tagsAll"].items())]
    created = kms.create_key(
        **to_api(inputs, "description", "keyUsage", "multiRegion", "policy", customerMasterKeySpec="KeySpec"),
        Tags=tags,
    )
    identifier = str(created["KeyMetadata"]["KeyId"])
    update_key(
        cloud,
        identifier,
        {"isEnabled": True, "enableKeyRotation": False} | set_at_creation(inputs),
        inputs,
        operation,
    )
    return identifier


def set_at_creation(inputs: Properties) -> Properties:
    # The properties that `CreateKey` has already set.
    return {name: inputs.get(name) for name in ("description", "policy")}


def update_key(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    kms = cloud.client("kms")
    if inputs.get("description") != before.get("description"):
        kms.update_key_description(KeyId=identifier, Description=inputs.get("description", ""))
    if inputs.get("policy") and not same_json(inputs["policy"], before.get("policy")):
        kms.put_key_policy(KeyId=identifier, PolicyName="default", Policy=inputs["policy"])
    update_rotation(kms, identifier, before, inputs)
    if inputs["isEnabled"] != before.get("isEnabled"):
        (kms.enable_key if inputs["isEnabled"] else kms.disable_key)(KeyId=identifier)


def update_rotation(kms: Any, identifier: str, before: Properties, inputs: Properties) -> None:
    names = ("enableKeyRotation", "rotationPeriodInDays")
    if all(before.get(name) == inputs.get(name) for name in names):
        return
    if inputs["enableKeyRotation"]:
        days = to_api(inputs, "rotationPeriodInDays")
        kms.enable_key_rotation(KeyId=identifier, **days)
    else:
        kms.disable_key_rotation(KeyId=identifier)


def read_key(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # A key that is scheduled for deletion counts as deleted.
    kms = cloud.client("kms")
    answer = find(kms.describe_key, KeyId=identifier)
    if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    key = answer["KeyMetadata"]
    tags = kms.list_resource_tags(KeyId=identifier)["Tags"]
    return {
        **from_api(
            key, "arn", "keyId", "description", "keyUsage", "multiRegion", customerMasterKeySpec="KeySpec"
        ),
        "isEnabled": key["Enabled"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=identifier)["KeyRotationEnabled"],
        "policy": kms.get_key_policy(KeyId=identifier, PolicyName="default")["Policy"],
        "deletionWindowInDays": known.get("deletionWindowInDays"),
        "rotationPeriodInDays": known.get("rotationPeriodInDays"),  # moto forgets it
        "tagsAll": {tag["TagKey"]: tag["TagValue"] for tag in tags},
    }


def delete_key(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    # KMS deletes no key at once: the deletion is scheduled.
    if read_key(cloud, identifier, known) is not None:
        window = known.get("deletionWindowInDays") or 30
        remove(cloud.client("kms").schedule_key_deletion, KeyId=identifier, PendingWindowInDays=window)


def retag_key(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
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
        "rotationPeriodInDays": Input(cloud_decides=True),
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
    cloud.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return str(inputs["name"])


def read_alias(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
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
    if inputs["targetKeyId"] != before.get("targetKeyId"):
        cloud.client("kms").update_alias(AliasName=identifier, TargetKeyId=inputs["targetKeyId"])


def delete_alias(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
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
