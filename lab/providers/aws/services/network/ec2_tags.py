"""Tags of EC2 things: one pair of calls for all of them."""

from collections.abc import Mapping, Sequence

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.shapes import tag_list
from lab.providers.values import Properties


def retag(
    cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
) -> None:
    """Change the tags of anything whose id is an EC2 id."""
    if removed:
        cloud.ec2.delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in removed])
    if added:
        cloud.ec2.create_tags(Resources=[identifier], Tags=tag_list(added))
