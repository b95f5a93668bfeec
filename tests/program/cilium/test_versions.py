"""Every patch of a served minor is served; others are refused; the tried patches are the lab's charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.cilium.versions import OLDEST_SUPPORTED, TRIED, is_served, minor, release_of, tried
from lab.toolchain import CILIUM_VERSIONS

pytestmark = pytest.mark.unit


def test_the_lab_has_the_chart_of_every_tried_patch():
    assert TRIED == CILIUM_VERSIONS


@given(st.sampled_from(TRIED), st.integers(0, 99))
def test_a_patch_is_spelled_as_the_tried_patch_of_its_minor(known: str, patch: int):
    version = f"{known.rpartition('.')[0]}.{patch}"

    release = release_of(version)

    assert release.version == version
    assert tried(version) == known
    assert release.native_routing == release_of(known).native_routing


@pytest.mark.parametrize(
    "version", ["1.13.0", "1.14.19", "1.21.0", "1.19", "1.19.6-rc.1", "v1.19.6", "latest", ""]
)
def test_what_is_no_patch_of_a_served_minor_is_refused(version: str):
    assert not is_served(version)
    with pytest.raises(ValueError, match="not served: "):
        release_of(version)


def test_three_minors_are_maintained():
    assert [version for version in TRIED if minor(version) >= OLDEST_SUPPORTED] == list(TRIED[-3:])
