"""The EKS add-ons that the user of a new cluster chooses: checked against EKS, then registered.

`stacks/new_cluster_base.py` calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.add_on import AddOn
from eks_cilium.clients.add_on_offers import misfits, offer, schema
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.settings.model.addons import LATEST
from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.cluster.add_on import AddOnArgs, RoleArgs
    from components.cluster.eks_cluster import EksCluster
    from eks_cilium.clients.add_on_offers import Offer
    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import AddOn as AddOnSettings
    from eks_cilium.settings.model import NewClusterBaseSettings


def check_add_ons(settings: NewClusterBaseSettings, aws: ClientOf = client) -> dict[str, str | None]:
    """The version of each add-on to install; None leaves it to EKS.

    Raises `pulumi.RunError` with every add-on that EKS does not offer for the Kubernetes version, and every
    configuration that does not fit the add-on's schema. AWS is asked only where there are add-ons.
    """
    wanted = settings.cluster.addons
    if not wanted:
        return {}
    eks = aws(Credentials(region=settings.region, profile=settings.profile), "eks")
    try:
        offers = {name: offer(eks, name, settings.cluster.kubernetes_version) for name in wanted}
        problems = [problem for name in wanted for problem in _problems(settings, name, offers[name], eks)]
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"EKS could not be asked for its add-ons: {error}") from None
    if problems:
        raise pulumi.RunError("\n  ".join(["EKS would refuse these add-ons:", *map(str, problems)]))
    return {name: _version(add_on, offers[name]) for name, add_on in wanted.items()}


def register_add_ons(
    settings: NewClusterBaseSettings,
    versions: Mapping[str, str | None],
    cluster: EksCluster,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Register every add-on; `opts` names what has to run before."""
    for name, wanted in settings.cluster.addons.items():
        AddOn(f"{settings.cluster.name}-{name}", _args(name, wanted, versions[name], cluster, tags), opts)


def _problems(
    settings: NewClusterBaseSettings, name: str, offered: Offer | None, eks: Any
) -> Iterator[Problem]:
    wanted, kubernetes = settings.cluster.addons[name], settings.cluster.kubernetes_version
    path = ("cluster", "addons", name)
    if offered is None:
        allowed = f"an add-on that EKS offers for Kubernetes {kubernetes}; `aws eks describe-addon-versions`"
        yield Problem(path, name, allowed, remove_command(path))
        return
    version = _version(wanted, offered)
    if version is not None and version not in offered.versions:
        allowed = f"one of {', '.join(offered.versions[:5])} for Kubernetes {kubernetes}"
        yield Problem((*path, "version"), version, allowed, set_fix((*path, "version"), offered.default))
        return
    if offered.needs_role and wanted.role is None and wanted.service_account_role_arn is None:
        pulumi.log.warn(
            f"the add-on {name} calls AWS and has no role: nodes give no credentials to pods, so it will not "
            f"work unless a Pod Identity association exists. cluster.addons.{name}.role makes a role"
        )
    if wanted.configuration_values:
        yield from _misfits(path, wanted, schema(eks, name, version or offered.default))


def _misfits(path: tuple[str, ...], wanted: AddOnSettings, configuration_schema: str) -> Iterator[Problem]:
    for place, message in misfits(wanted.configuration_values, configuration_schema):
        where = (*path, "configurationValues", *place)
        value = wanted.configuration_values
        for step in place:
            value = value[step]  # type: ignore[index]  # the steps lead through what was validated
        allowed = f"what the add-on's schema takes: {message}"
        yield Problem(where, value, allowed, remove_command(where))


def _version(wanted: AddOnSettings, offered: Offer | None) -> str | None:
    return offered.versions[0] if offered and wanted.version == LATEST else wanted.version


def _args(
    name: str,
    wanted: AddOnSettings,
    version: str | None,
    cluster: EksCluster,
    tags: Mapping[str, str],
) -> AddOnArgs:
    return {
        "cluster_name": cluster.cluster_name,
        "addon_name": name,
        "version": version,
        "configuration": wanted.configuration_values,
        "role": _role(wanted, cluster),
        "role_arn": wanted.service_account_role_arn,
        "conflicts_on_create": wanted.resolve_conflicts_on_create,
        "conflicts_on_update": wanted.resolve_conflicts_on_update,
        "preserve": wanted.preserve,
        "tags": tags,
    }


def _role(wanted: AddOnSettings, cluster: EksCluster) -> RoleArgs | None:
    if wanted.role is None:
        return None
    namespace, _, account = wanted.role.service_account.partition("/")
    return {
        "service_account": (namespace, account),
        "policy_arns": wanted.role.policy_arns,
        "oidc_provider_arn": cluster.oidc_provider_arn,
        "oidc_issuer": cluster.oidc_issuer,
    }
