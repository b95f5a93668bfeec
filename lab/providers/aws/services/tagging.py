"""How EC2, IAM and EKS take tags: with the call that creates a resource, and changed later.

Services with one kind of resource here (KMS, SSM, log groups, Route 53) do it in their own modules.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.shapes import tag_list
from lab.providers.aws.table import Retag
from lab.providers.values import Properties


def ec2_tags(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if not inputs.get("tagsAll"):
        return {}
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tag_list(inputs["tagsAll"])}]}


def retag_ec2(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
    if removed:
        cloud.ec2.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in removed])
    if added:
        cloud.ec2.create_tags(Resources=[identifier], Tags=tag_list(added))


def iam_tags(inputs: Properties) -> dict[str, Any]:
    return {"Tags": tag_list(inputs["tagsAll"])} if inputs.get("tagsAll") else {}


def retag_iam(kind: str, key: str) -> Retag:
    """IAM has a pair of calls for each kind of resource; `key` is the argument that names the resource."""

    def change(
        cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        if removed:
            getattr(cloud.iam, f"untag_{kind}")(**{key: identifier}, TagKeys=list(removed))
        if added:
            getattr(cloud.iam, f"tag_{kind}")(**{key: identifier}, Tags=tag_list(added))

    return change


def eks_tags(inputs: Properties) -> dict[str, Any]:
    return {"tags": inputs["tagsAll"]} if inputs.get("tagsAll") else {}


def retag_eks(arn: str) -> Retag:
    """EKS tags by ARN, which is the property `arn` of the resource."""

    def change(
        cloud: Cloud, _: str, known: Properties, added: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        if removed:
            cloud.eks.untag_resource(resourceArn=known[arn], tagKeys=list(removed))
        if added:
            cloud.eks.tag_resource(resourceArn=known[arn], tags=dict(added))

    return change
