"""Quantities of resources, as Kubernetes writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eks_cilium.cluster.quantities import quantity

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("250m", "0.25"),
        ("1", "1"),
        (2, "2"),
        ("1.5Gi", str(int(1.5 * 2**30))),
        ("64Mi", str(64 * 2**20)),
        ("100M", "100000000"),
        ("2e3", "2000"),
        ("12E", "12000000000000000000"),
        ("1k", "1000"),
        ("500u", "0.0005"),
    ],
)
def test_a_quantity_is_read_with_its_suffix(written: str | int, number: str):
    assert quantity(written) == Decimal(number)


@pytest.mark.parametrize("written", ["", "Gi", "1 Gi", "1gi", "one"])
def test_what_is_no_quantity_is_refused(written: str):
    with pytest.raises(ValueError, match="is no quantity"):
        quantity(written)


@given(some.integers(0, 10**9))
def test_milli_is_a_thousandth(number: int):
    assert quantity(f"{number}m") * 1000 == quantity(number)
