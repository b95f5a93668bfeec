"""Policy documents of IAM: the input and its text."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lab.providers.aws.shapes import as_json, same_json
from lab.providers.aws.table import Input

POLICY = Input(required=True, same=same_json, agrees=same_json, normal=as_json)


def policy_text(document: Any) -> str | None:
    # boto3 returns an object or, from some endpoints, URL-quoted text.
    if document is None:
        return None
    return json.dumps(document) if isinstance(document, Mapping) else unquote(str(document))
