"""The form in which EKS's API shows its records."""

from __future__ import annotations

import uuid
from typing import Any

Description = dict[str, Any]


def new_id() -> str:
    """Return an identifier like those of updates, node groups and add-ons."""
    return str(uuid.uuid4())
