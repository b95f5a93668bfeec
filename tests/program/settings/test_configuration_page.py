"""docs/configuration.md is generated from the model, and its examples are right."""

from pathlib import Path
from typing import Any

import pytest

from eks_cilium.settings import read
from eks_cilium.settings.model import (
    MODELS,
    ChainingSettings,
    MeshSettings,
    NewChainedClusterSettings,
    NewClusterSettings,
    ReplacementSettings,
    Settings,
)
from eks_cilium.settings.reference import reference
from tests.program.settings.bad_configurations import (
    GOOD,
    GOOD_CHAINING,
    GOOD_MESH,
    GOOD_NEW_CHAINING,
    GOOD_REPLACEMENT,
    as_pulumi,
    changed,
)

pytestmark = pytest.mark.unit

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def test_the_page_is_the_one_generated_from_the_model():
    assert PAGE.read_text() == reference(), (
        "run `python -m eks_cilium.settings.reference --write docs/configuration.md`"
    )


def test_every_key_says_what_it_means_and_what_it_may_be():
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]

    assert len(rows) > 50
    for key, _, meaning, allowed in rows:
        assert meaning.endswith("."), key
        assert len(allowed) > 4, key


def examples(model: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found = []
    for name, field in model.model_fields.items():
        here = (*path, field.alias or name)
        found.append((here, field.json_schema_extra["example"]))
        if hasattr(field.annotation, "model_fields"):
            found += examples(field.annotation, here)
    return found


CONTRADICTING: dict[Any, dict[str, Any]] = {
    ("cluster", "endpoint", "publicAccessCidrs"): {"cluster": {"endpoint": {"publicAccess": True}}},
    ("cilium", "egressMasqueradeInterfaces"): {"cilium": {"masquerade": "on"}},
    ("cilium", "hubble", "ui"): {"cilium": {"hubble": {"relay": True}}},
    ("connection", "transitGatewayId"): {"connection": {"type": "transit-gateway"}},
    (NewClusterSettings, ("cilium", "nativeRoutingCidr")): {"cilium": {"masquerade": "on"}},
    (NewClusterSettings, ("cilium", "overlay")): {"cilium": {"ipam": "cluster-pool"}},
    (NewClusterSettings, ("podIdentityAgent",)): {"cilium": {"operatorIdentity": "pod-identity"}},
    (NewClusterSettings, ("kubeProxy",)): {"cilium": {"kubeProxyReplacement": False}},
}
SKIPPED = {
    ("cluster", "securityGroupIds"),
    ("network", "vpcId"),
    ("network", "privateSubnetIds"),
    ("network", "publicSubnetIds"),
    ("network", "podSubnetIds"),
    (NewChainedClusterSettings, ("network", "podCidr")),
}
BASES = {
    NewClusterSettings: GOOD,
    ChainingSettings: GOOD_CHAINING,
    NewChainedClusterSettings: GOOD_NEW_CHAINING,
    ReplacementSettings: GOOD_REPLACEMENT,
    MeshSettings: GOOD_MESH,
}


@pytest.mark.parametrize(
    ("model", "path", "example"),
    [
        (model, path, example)
        for models in MODELS.values()
        for model in models
        for path, example in examples(model)
        if not {path, (model, path)} & SKIPPED
    ],
    ids=lambda part: (
        ".".join(part) if isinstance(part, tuple) else part.__name__ if isinstance(part, type) else ""
    ),
)
def test_the_example_of_every_key_is_accepted(model: type[Settings], path: tuple[str, ...], example: Any):
    change: Any = example
    for part in reversed(path):
        change = {part: change}

    contradicting = CONTRADICTING.get((model, path), CONTRADICTING.get(path, {}))
    assert read(as_pulumi(changed(changed(BASES[model], contradicting), change)))
