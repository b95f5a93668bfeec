"""Refuses to change where the pods of a cluster get their addresses; called by mode `new-cluster`.

"Don't change the IPAM mode of an existing cluster" (Cilium's page "IP Address Management"): running pods keep
addresses that new agents do not know. Of a pool, networks can be appended, and nothing else changes (its page
"Cluster Scope", "Expanding the cluster pool"). Nodes with tunnels of different protocols do not reach each
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.cluster.pod_addresses import PodAddresses, running_addresses
from eks_cilium.settings.model import Overlay
from eks_cilium.settings.problems import Problem, set_fix
from stacks.outputs import own_outputs
from stacks.own_cluster import asked, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eks_cilium.settings.model import Cilium as CiliumSettings
    from eks_cilium.settings.model import NewClusterSettings


def addresses_of(wanted: CiliumSettings) -> PodAddresses:
    """The addresses that the configuration asks for."""
    if wanted.ipam == "eni":
        return PodAddresses(wanted.ipam)
    overlay = wanted.overlay or Overlay()
    return PodAddresses(wanted.ipam, overlay.pod_cidrs, overlay.node_mask_size, overlay.protocol)


def exported(addresses: PodAddresses) -> dict[str, Any]:
    """The same for the outputs of the stack, by which its next run knows it."""
    if addresses.ipam == "eni":
        return {"ipam": addresses.ipam}
    return {
        "ipam": addresses.ipam,
        "podCidrs": list(addresses.cidrs),
        "nodeMaskSize": addresses.mask_size,
        "protocol": addresses.protocol,
    }


def refuse_other_addresses(
    settings: NewClusterSettings,
    *,
    is_running: bool,
    outputs: Callable[[], Mapping[str, Any]] = own_outputs,
    running: Callable[[Mapping[str, Any]], PodAddresses | None] | None = None,
) -> None:
    """Raise RunError where the configuration wants other addresses than the cluster has.

    After its first update the outputs of the stack say what it has. Where that update did not complete, the
    cluster is asked, if it runs.
    """
    present = _exported_before(outputs())
    if present is None and is_running:
        present = (running or _running)(place_of(settings))
    if present is None:
        return
    problems = list(changes(present, addresses_of(settings.cilium)))
    if problems:
        raise pulumi.RunError("\n  ".join(map(str, problems)))


def changes(present: PodAddresses, wanted: PodAddresses) -> Iterator[Problem]:
    """What a live cluster cannot change."""
    if wanted.ipam != present.ipam:
        path: tuple[str, ...] = ("cilium", "ipam")
        allowed = f"{present.ipam}: a running cluster keeps it, since its pods would lose their connections"
        yield Problem(path, wanted.ipam, allowed, f"{set_fix(path, present.ipam)}, or create another cluster")
        return
    overlay = ("cilium", "overlay")
    if wanted.cidrs[: len(present.cidrs)] != present.cidrs:
        path = (*overlay, "podCidrs")
        allowed = f"{', '.join(present.cidrs)} first, as nodes have parts of it; others can be appended"
        yield Problem(path, list(wanted.cidrs), allowed, set_fix(path, list(present.cidrs)))
    if wanted.mask_size != present.mask_size:
        path = (*overlay, "nodeMaskSize")
        allowed = f"{present.mask_size}, the size of the parts that nodes have"
        yield Problem(path, wanted.mask_size, allowed, set_fix(path, present.mask_size))
    if wanted.protocol != present.protocol:
        path = (*overlay, "protocol")
        allowed = f"{present.protocol}: nodes with tunnels of different protocols do not reach each other"
        yield Problem(path, wanted.protocol, allowed, set_fix(path, present.protocol))


def _exported_before(outputs: Mapping[str, Any]) -> PodAddresses | None:
    cluster = outputs.get("cluster") or {}
    if not cluster.get("ciliumVersion"):
        return None
    known = cluster.get("podAddresses") or {}
    return PodAddresses(
        ipam=known.get("ipam", "eni"),  # the only mode of earlier versions of this program
        cidrs=tuple(known.get("podCidrs") or ()),
        mask_size=int(known.get("nodeMaskSize") or 0),
        protocol=known.get("protocol", ""),
    )


def _running(place: Mapping[str, Any]) -> PodAddresses | None:
    return asked(place, running_addresses)
