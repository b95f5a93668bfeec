"""The form in which EKS's API shows what it remembers."""

from __future__ import annotations

import uuid
from typing import Any

Description = dict[str, Any]


def new_id() -> str:
    """An identifier such as EKS gives updates, node groups and add-ons."""
    return str(uuid.uuid4())
