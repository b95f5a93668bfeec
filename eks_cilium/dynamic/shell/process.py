"""What the resources that one process serves have in common.

Pulumi creates an instance of a provider for each kind of resource and calls it from several threads, so the
process is all that two of them share: a Lease is acquired once, a group is changed by one thread at a time,
and the checks of a preview show one plan.
"""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field

from eks_cilium.dynamic.shell.plans import Plans
from eks_cilium.runtime.lease import Leases
from eks_cilium.runtime.locks import Locks
from eks_cilium.runtime.process import Views


@dataclass(frozen=True)
class ProviderProcess:
    """Shared by all resources that one process serves."""

    leases: Leases = field(default_factory=Leases)
    locks: Locks = field(default_factory=Locks)
    views: Views = field(default_factory=Views)
    plans: Plans = field(default_factory=Plans)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Pulumi starts a process for each command: the same for all resources of one `pulumi up`."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set once the user has pressed Ctrl-C."""


THIS_PROCESS = ProviderProcess()
