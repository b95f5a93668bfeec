"""What all IAM types share: policies as text, and tags. IAM has no region."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from lab.providers.aws.cloud import Cloud
from lab.providers.aws.shapes import as_json, same_json, tag_list
from lab.providers.aws.table import Input, Retag
from lab.providers.values import Properties

POLICY = Input(required=True, same=same_json, agrees=same_json, normal=as_json)


def policy_text(document: Any) -> str | None:
    """A policy as text; boto3 gives an object or, from some endpoints, URL-quoted text."""
    if document is None:
        return None
    return json.dumps(document) if isinstance(document, Mapping) else unquote(str(document))


def tags(inputs: Properties) -> dict[str, Any]:
    """The argument that tags something as it is made."""
    return {"Tags": tag_list(inputs["tagsAll"])} if inputs.get("tagsAll") else {}


def retag(thing: str, key: str) -> Retag:
    """How to change the tags of one kind of thing: IAM has a pair of calls for each."""

    def change(
        cloud: Cloud, identifier: str, _: Properties, added: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        if removed:
            getattr(cloud.iam, f"untag_{thing}")(**{key: identifier}, TagKeys=list(removed))
        if added:
            getattr(cloud.iam, f"tag_{thing}")(**{key: identifier}, Tags=tag_list(added))

    return change
