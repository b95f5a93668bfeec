"""The table of resource types: every module of this folder with `TYPES` adds to it."""

from lab.providers.aws.discovery import members
from lab.providers.aws.table import ResourceType

TYPES: dict[str, ResourceType] = {kind.token: kind for kind in members(__name__, __path__, "TYPES")}
