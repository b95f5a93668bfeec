"""Cilium chained to the AWS VPC CNI; called by mode `chaining`, of a running cluster and of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.cilium import Cilium
from eks_cilium.cilium.chaining import ChainingMode, chaining_values
from eks_cilium.cilium.limits import limited_values
from eks_cilium.cilium.versions import release_of
from stacks.cilium_upgrades import show_notes

if TYPE_CHECKING:
    from eks_cilium.settings.model import NewChainedCilium


def warn_of_limits(wanted: NewChainedCilium) -> None:
    """Warn in a preview about chart values whose effect is limited in this mode."""
    if pulumi.runtime.is_dry_run():
        for limited in limited_values(wanted.values):
            pulumi.log.warn(f"eks-cilium:{limited.what} is limited in this mode: {limited.why}")


def register_chained_cilium(
    name: str,
    wanted: NewChainedCilium,
    opts: pulumi.ResourceOptions,
    *,
    present: str | None,
    policies_are_paused: bool = False,
) -> Cilium:
    """Register the Helm release.

    Args:
        name: The cluster's name in Cilium.
        wanted: How Cilium is to be configured.
        opts: Options of the component.
        present: The release that the cluster has; None before there is one.
        policies_are_paused: Whether another resource decides when policies are enforced.
    """
    values = chaining_values(_mode(name, wanted, policies_are_paused))
    show_notes(present, wanted.version, values)
    return Cilium(
        f"{name}-cilium",
        {
            "version": wanted.version,
            "chart_repository": wanted.chart_repository,
            "values": values,
        },
        opts,
    )


def _mode(name: str, wanted: NewChainedCilium, policies_are_paused: bool) -> ChainingMode:
    return ChainingMode(
        release=release_of(wanted.version),
        cluster_name=name,
        cluster_id=wanted.cluster_id,
        pool=wanted.pool,
        policies_are_paused=policies_are_paused,
        encryption=wanted.encryption,
        operator_replicas=wanted.operator_replicas,
        hubble_enabled=wanted.hubble.enabled,
        hubble_relay=wanted.hubble.relay,
        hubble_ui=wanted.hubble.ui,
        extra=wanted.values,
    )
