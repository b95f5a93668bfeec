"""How nodes are replaced or pods restarted: what is asked for, and how long each thing may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from migration.plan.model import Options
from migration.refresh.model import Refreshing


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, before a wait ends in an error that says what was missing."""

    replacement: float = 900.0
    """From asking for an instance to a node that runs pods on its new CNI."""
    volumes: float = 120.0
    """For volumes to be detached after a drain. Then the node goes all the same, which detaches them."""
    load_balancer: float = 60.0
    """A cordoned node stays that long where Services of type LoadBalancer exist; always waited out."""
    termination: float = 900.0
    """From asking for its end until a node's object is gone."""
    health: float = 600.0
    """For workloads to be as healthy as before their pods moved."""
    roll_out: float = 900.0
    """For agents to restart with a new configuration, counted from the last one that did."""
    between_looks: float = 3.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for, and for how long to wait."""

    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    refresh: Refreshing = field(default_factory=Refreshing)
