"""What the resources that one process serves have in common.

Pulumi creates an instance of a provider for each kind of resource and calls it from several threads, so the
process is all that two of them share: a Lease is acquired once, a group is changed by one thread at a time,
and the checks of a preview show one plan.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.dynamic.shell.in_short import names_in_short
from eks_cilium.dynamic.shell.plans import Plans
from eks_cilium.runtime.lease import Leases
from eks_cilium.runtime.locks import Locks
from eks_cilium.runtime.process import Views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.dynamic.shell.in_short import Names


@dataclass(frozen=True)
class ProviderProcess:
    """Shared by all resources that one process serves."""

    leases: Leases = field(default_factory=Leases)
    locks: Locks = field(default_factory=Locks)
    views: Views = field(default_factory=Views)
    plans: Plans = field(default_factory=Plans)
    known_names: dict[str, Sequence[str]] = field(default_factory=dict)
    """The names behind a digest, where a check of this process saw them."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Pulumi starts a process for each command: the same for all resources of one `pulumi up`."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set once the user has pressed Ctrl-C."""

    def remember(self, names: Names) -> None:
        """Keep the names that a state has the digest of, for the operation that follows the check."""
        short = names_in_short(names)
        if isinstance(short, Mapping) and not isinstance(names, Mapping):
            self.known_names[short["digest"]] = names

    def names(self, names: Names) -> Sequence[str]:
        """The names again; none where this process never saw them."""
        if isinstance(names, Mapping):
            return self.known_names.get(names["digest"], ())
        return names


THIS_PROCESS = ProviderProcess()
