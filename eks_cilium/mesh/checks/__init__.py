"""What keeps clusters from being joined, found before anything is made: every reason at once.

`stacks.mesh` refuses with them in the preview. Each check takes all members and yields blockers; a fact that
is not there yet is no reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.mesh.checks import addresses, gateways, identities, networks, owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.mesh.model import Blocker, Member, Wanted

    Check = Callable[[Sequence[Member], Wanted], Iterator[Blocker]]

CHECKS: tuple[Check, ...] = (
    *identities.CHECKS,
    *networks.CHECKS,
    *gateways.CHECKS,
    *addresses.CHECKS,
    *owners.CHECKS,
)


def blockers(members: Sequence[Member], wanted: Wanted) -> list[Blocker]:
    """Every reason, in the order in which one would mend them."""
    return [blocker for check in CHECKS for blocker in check(members, wanted)]
