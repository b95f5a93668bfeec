"""The page of mode replacement lists every action of AWS that its program asks for."""

import re
from functools import cache
from pathlib import Path

import boto3
import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "replacement.md"
FOLDERS = ("cli", "clients", "cluster", "dynamic", "migration", "runtime")
SERVICES = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "eks": "eks",
    "elbv2": "elasticloadbalancing",
    "iam": "iam",
    "sts": "sts",
}
"""The prefix of each service's actions in a policy, by its name in boto3."""
OTHER_MODES = {"ec2:DeleteNetworkInterface"}
"""What a new cluster needs when it is destroyed."""


def operations() -> dict[str, str]:
    """Actions by the name of boto3's method, where the method belongs to one service."""
    session = boto3.Session(region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    found: dict[str, str] = {}
    for service, prefix in SERVICES.items():
        for method, operation in session.client(service).meta.method_to_api_mapping.items():
            found[method] = f"{prefix}:{operation}"
    return found


@cache
def asked_for() -> set[str]:
    known = operations()
    texts = [file.read_text() for name in FOLDERS for file in (ROOT / "eks_cilium" / name).rglob("*.py")]
    names = {name for text in texts for name in re.findall(r'\.(\w+)\(|get_paginator\("(\w+)"', text)}
    return {known[name] for pair in names for name in pair if name in known} - OTHER_MODES


def test_every_action_is_in_the_list_of_rights():
    written = set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", PAGE.read_text()))

    assert asked_for() - written == set()


def test_the_actions_on_node_groups_and_add_ons_are_among_them():
    assert {"eks:UpdateNodegroupConfig", "eks:DescribeAddonConfiguration"} <= asked_for()
