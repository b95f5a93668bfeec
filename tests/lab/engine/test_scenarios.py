"""The scenario table on our engine: calls, state, exit codes and messages."""

from collections import Counter

import pytest

from tests.lab.engine.scenarios import SCENARIOS, Scenario

FLAGS = ("protect", "external", "delete", "pendingReplacement", "initErrors", "retainOnDelete")


def summary(deployment):
    """The resources of a deployment in the notation of the table."""
    lines = []
    for resource in deployment.get("resources", []):
        name = resource["urn"].rpartition("::")[2]
        if resource["type"] == "pulumi:pulumi:Stack" or (
            resource["type"].startswith("pulumi:providers:") and name.startswith("default")
        ):
            continue
        shown = "*" if resource["type"].startswith("pulumi:providers:") else resource.get("id", "")
        lines.append(" ".join([name, shown, *(flag for flag in FLAGS if resource.get(flag))]))
    return sorted(lines)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario, engine, world):
    for number, stage in enumerate(scenario.stages):
        engine.project.describe(stage.resources, exports=stage.exports, **{"raise": stage.raises})
        for identifier, inputs in stage.world.items():
            world.directory.joinpath("items").mkdir(exist_ok=True)
            world.edit(identifier, inputs)
        world.forget_calls()
        outcome = engine.do(stage.verb, *stage.arguments)

        place = f"stage {number}:\n{outcome.out}"
        expected = 7 if "--expect-no-changes" in stage.arguments and stage.code else stage.code
        assert expected == outcome.code, place
        if scenario.exact:
            assert Counter(stage.changes) == world.changes(), place
            assert sorted(stage.left) == summary(engine.deployment()), place
        assert "pending_operations" not in {key for key, value in engine.deployment().items() if value}, place
        assert not [text for text in stage.says if text not in outcome.out], place
        assert "grpc" not in outcome.out.lower(), place
