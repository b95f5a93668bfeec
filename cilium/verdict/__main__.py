"""`python -m cilium.verdict`: who may reach whom in running clusters.

The one place under `cilium/` that reaches a cluster; everything it calls but the reading itself is pure.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cilium.verdict.command_line import main
from clients.cilium_objects import CiliumObjects, cilium_objects
from clients.kubeconfig import api_of

if TYPE_CHECKING:
    from pathlib import Path


def _read(kubeconfig: Path, context: str) -> CiliumObjects:
    with api_of(kubeconfig, context) as api:
        return cilium_objects(api, f"context {context}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], _read))
