"""The release and the options of a cluster's agents, as far as they decide which policies are enforced.

`sanity` asks which objects such agents refuse, `eks_cilium.policy.verdict` how they read the others. Options
are those of the ConfigMap `cilium-config` (pkg/option/config.go of each release).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eks_cilium.cilium import versions

if TYPE_CHECKING:
    from collections.abc import Mapping

Minor = tuple[int, int]


@dataclass(frozen=True)
class Agents:
    """The agents of a cluster."""

    version: str = versions.TRIED[-1]
    """Release of Cilium, such as `1.19.7`."""
    layer7: bool = True
    """Whether there is a proxy for rules of layer 7 (`enable-l7-proxy`)."""
    icmp: bool = True
    """Whether rules may name types of ICMP (`enable-icmp-rules`)."""
    node_labels: bool = True
    """Whether rules may select nodes as peers (`enable-node-selector-labels`)."""
    without_port: bool = False
    """Whether a port may be left out (`enable-extended-ip-protocols`, from 1.19 on)."""
    audit: bool = False
    """Whether what policies deny is only recorded (`policy-audit-mode`)."""
    ignored_kinds: Mapping[str, str] = field(default_factory=dict)
    """Kinds of policies that the agents do not read, each with the option that says so."""

    @property
    def minor(self) -> Minor:
        """The release without its patch: `(1, 19)`."""
        return versions.minor(self.version.removeprefix("v"))
