"""The options of a migration and a refresh, on their way from the configuration to a dynamic provider."""

import json
from typing import Any

import pytest

from eks_cilium.settings import ConfigurationError, read
from eks_cilium.settings.model.migration import Allow, Capacity, MigrationOptions, RefreshOptions, Target
from tests.program.settings.bad_configurations import GOOD_REPLACEMENT, as_pulumi

pytestmark = pytest.mark.unit


def through_the_protocol(value: Any) -> Any:
    """Pulumi's protocol knows no integers."""
    if isinstance(value, dict):
        return {key: through_the_protocol(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_defaults_are_not_handed_over():
    assert MigrationOptions().changed() == {}
    assert RefreshOptions().changed() == {}


def test_a_provider_gets_the_options_of_the_configuration():
    options = MigrationOptions(
        target=Target.AWS_VPC_CNI,
        capacity=Capacity.DECREMENT,
        surge=3,
        drain_timeout_seconds=1200,
        allow=Allow(bare_pods=("debug/*",), karpenter_nodes=True),
    )

    changed = options.changed(without=["target"])

    assert changed == {
        "capacity": "decrement",
        "surge": 3,
        "drainTimeoutSeconds": 1200,
        "allow": {"barePods": ["debug/*"], "karpenterNodes": True},
    }
    inputs = through_the_protocol(json.loads(json.dumps(changed)))
    again = MigrationOptions.model_validate({**inputs, "target": "aws-vpc-cni"})
    assert again == options
    assert isinstance(again.surge, int)


def test_the_configuration_takes_no_names_of_the_code():
    raw = as_pulumi({**GOOD_REPLACEMENT, "migration": {"drain_timeout_seconds": 1200}})

    with pytest.raises(ConfigurationError, match="rename drain_timeout_seconds to drainTimeoutSeconds"):
        read(raw)


def test_every_exception_is_a_pattern_or_a_switch():
    assert {*Allow.patterns(), *Allow.switches()} == set(Allow.model_fields)
    assert not {*Allow.patterns()} & {*Allow.switches()}
