"""What blocks joining clusters, found before anything is registered: every blocker at once.

`stacks/mesh.py` ends the preview with them. Each check gets all members and yields blockers; a fact that is
not known yet blocks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks import (
    addresses,
    data_paths,
    gateways,
    identities,
    load_balancers,
    networks,
    owners,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.mesh.model import Blocker, Member, Wanted

    Check = Callable[[Sequence[Member], Wanted], Iterator[Blocker]]

CHECKS: tuple[Check, ...] = (
    *identities.CHECKS,
    *data_paths.CHECKS,
    *networks.CHECKS,
    *gateways.CHECKS,
    *addresses.CHECKS,
    *owners.CHECKS,
    *load_balancers.CHECKS,
)


def blockers(members: Sequence[Member], wanted: Wanted) -> list[Blocker]:
    """Every blocker, in the order in which it is best to fix them."""
    return [blocker for check in CHECKS for blocker in check(members, wanted)]
