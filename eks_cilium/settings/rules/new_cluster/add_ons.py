"""Rules about the add-ons of a new cluster that its user chooses.

What EKS offers for the cluster's Kubernetes version is checked in the preview: `stacks/add_ons.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.settings.model import NewClusterSettings
from eks_cilium.settings.problems import Problem, remove_command, rename_fix, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

# Names as DescribeAddonVersions returns them: those of AWS, and <seller>_<product> of the Marketplace.
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*(_[a-z0-9-]+)?$")
_OWN_KEYS = {"coredns": "coredns", "kube-proxy": "kubeProxy"}


def add_ons_are_not_this_programs(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Two resources for an add-on would undo each other's changes, and the second creation fails.
    for name in settings.cluster.addons:
        path = ("cluster", "addons", name)
        if not _NAME.match(name):
            yield Problem(path, name, "the name of an EKS add-on", rename_fix(path, "metrics-server"))
        elif name in _OWN_KEYS:
            allowed = f"any other add-on: eks-cilium:{_OWN_KEYS[name]} configures this one"
            yield Problem(path, name, allowed, remove_command(path))
        elif name == "vpc-cni":
            yield Problem(path, name, _instead_of_vpc_cni(settings), remove_command(path))
        elif "cilium" in name:
            allowed = "any other add-on: this program installs Cilium itself, by its chart"
            yield Problem(path, name, allowed, remove_command(path))


def _instead_of_vpc_cni(settings: NewClusterBaseSettings) -> str:
    if isinstance(settings, NewClusterSettings):
        return "any other add-on: Cilium is the only CNI in this mode"
    return "any other add-on: eks-cilium:vpcCni configures this one"


def add_ons_have_one_role(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for name, wanted in settings.cluster.addons.items():
        if wanted.role is not None and wanted.service_account_role_arn is not None:
            path = ("cluster", "addons", name, "serviceAccountRoleArn")
            allowed = "nothing beside role, which makes a role"
            yield Problem(path, wanted.service_account_role_arn, allowed, remove_command(path))


def policies_are_given_once(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Both attachments would have the same name; and a role without any allows nothing.
    for name, wanted in settings.cluster.addons.items():
        if wanted.role is None:
            continue
        policies, path = wanted.role.policy_arns, ("cluster", "addons", name, "role", "policyArns")
        if not policies:
            example = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
            yield Problem(path, [], "at least one policy", set_fix(path, [example]))
        if len(set(policies)) != len(policies):
            fix = set_fix(path, list(dict.fromkeys(policies)))
            yield Problem(path, list(policies), "every policy once", fix)


RULES = (add_ons_are_not_this_programs, add_ons_have_one_role, policies_are_given_once)
