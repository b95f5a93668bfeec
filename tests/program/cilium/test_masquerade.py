"""Masquerading, decided by kind of subnet and family of image."""

import pytest

from eks_cilium.cilium.masquerade import Masquerade, decide, image_family

pytestmark = pytest.mark.unit


def test_private_subnets_need_no_masquerading():
    assert decide({"private"}, {"al2023", "bottlerocket"}) == Masquerade(enabled=False)


def test_one_public_group_is_enough():
    assert decide({"private", "public"}, {"al2023"}) == Masquerade(enabled=True, interfaces="ens+")


def test_the_configuration_overrides_what_is_derived():
    assert decide({"private"}, {"bottlerocket"}, wanted=True) == Masquerade(enabled=True, interfaces="eth+")
    assert decide({"public"}, {"al2023"}, metal=True) == Masquerade(enabled=True, interfaces="en+")
    assert decide({"public"}, {"bottlerocket"}, metal=True) == Masquerade(enabled=True, interfaces="eth+")
    assert decide({"private"}, {"al2023"}, wanted=True, interfaces="ens5") == Masquerade(True, "ens5")


def test_families_with_different_interfaces_have_no_common_pattern():
    with pytest.raises(ValueError, match="no single interface pattern"):
        decide({"public"}, {"al2023", "al2"})


@pytest.mark.parametrize(
    ("ami_type", "family"),
    [
        ("AL2023_x86_64_STANDARD", "al2023"),
        ("AL2023_ARM_64_STANDARD", "al2023"),
        ("AL2_x86_64", "al2"),
        ("BOTTLEROCKET_ARM_64", "bottlerocket"),
    ],
)
def test_the_family_is_in_the_ami_type(ami_type: str, family: str):
    assert image_family(ami_type) == family
