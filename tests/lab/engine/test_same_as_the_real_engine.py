"""The scenario table on both engines: the same provider calls, states and exit codes."""

import json
import re
import shutil
from collections import Counter

import pytest

from tests.lab.engine.engines import Official, Ours, Project
from tests.lab.engine.scenarios import SCENARIOS, Scenario

pytestmark = [
    pytest.mark.real_engine,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="pulumi is not on PATH"),
]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Fields of a resource that may differ: times, local paths, empty timeouts.
FORGOTTEN = {"created", "modified", "sourcePosition", "stackTrace", "customTimeouts"}


def normal(value):
    """A value without the parts that differ in every run."""
    text = UUID.sub("UUID", json.dumps(value, sort_keys=True))
    return json.loads(text)


def calls(world):
    return Counter(json.dumps(normal(call), sort_keys=True) for call in world.calls())


def state(deployment):
    """The resources by URN and id, without the fields that may differ."""
    found = {}
    for resource in deployment.get("resources", []):
        written = {key: value for key, value in resource.items() if value and key not in FORGOTTEN}
        written["dependencies"] = sorted(written.get("dependencies", []))
        written["propertyDependencies"] = {
            key: sorted(urns or []) for key, urns in written.get("propertyDependencies", {}).items() if urns
        }
        found[f"{resource['urn']} {normal(resource.get('id', ''))}"] = normal(written)
    return found


def play(engine, scenario: Scenario, world):
    """Run the stages and return their results."""
    world.clear()
    assert engine.run("stack", "init", "dev").code == 0
    results = []
    for stage in scenario.stages:
        engine.project.describe(stage.resources, exports=stage.exports, **{"raise": stage.raises})
        for identifier, inputs in stage.world.items():
            world.directory.joinpath("items").mkdir(exist_ok=True)
            world.edit(identifier, inputs)
        world.forget_calls()
        outcome = engine.do(stage.verb, *stage.arguments)
        results.append((outcome, calls(world), state(engine.exported())))
    return results


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_engines_do_the_same(scenario: Scenario, world, tmp_path):
    ours = Ours(Project(tmp_path / "ours"), tmp_path / "our-state", world.port)
    official = Official(Project(tmp_path / "official"), tmp_path / "official-state", world.port)

    mine, theirs = play(ours, scenario, world), play(official, scenario, world)

    for number, (our, their) in enumerate(zip(mine, theirs, strict=True)):
        place = f"stage {number}\n--- ours\n{our[0].out}\n--- the CLI's\n{their[0].out}"
        assert their[0].code == our[0].code, place
        if scenario.exact:
            assert their[1] == our[1], place
            assert their[2] == our[2], place


def test_the_real_engine_continues_with_our_state(world, tmp_path):
    """A state of ours, imported into the CLI, needs no changes and can be changed and destroyed."""
    scenario = next(s for s in SCENARIOS if s.name == "a remote component creates its children")
    stage = scenario.stages[0]
    ours = Ours(Project(tmp_path / "ours"), tmp_path / "our-state", world.port)
    play(ours, Scenario("first stage", [stage]), world)
    official = Official(ours.project, tmp_path / "official-state", world.port)
    exported = tmp_path / "exported.json"
    exported.write_text(ours.run("stack", "export", "-s", "dev").out)

    assert official.run("stack", "init", "dev").code == 0
    imported = official.run("stack", "import", "--file", str(exported), "-s", "dev")
    assert imported.code == 0, imported.out
    previewed = official.do("preview", "--expect-no-changes")
    assert previewed.code == 0, previewed.out
    destroyed = official.do("destroy")
    assert destroyed.code == 0, destroyed.out
    assert world.items() == {}


def test_our_engine_continues_with_the_real_engines_state(world, tmp_path):
    """A state of the CLI, imported into ours, needs no changes and can be destroyed."""
    scenario = next(s for s in SCENARIOS if s.name == "a remote component creates its children")
    official = Official(Project(tmp_path / "official"), tmp_path / "official-state", world.port)
    play(official, Scenario("first stage", scenario.stages[:1]), world)
    ours = Ours(official.project, tmp_path / "our-state", world.port)
    exported = tmp_path / "exported.json"
    exported.write_text(official.run("stack", "export", "-s", "dev").out)

    assert ours.run("stack", "init", "dev").code == 0
    assert ours.run("stack", "import", "--file", str(exported), "-s", "dev").code == 0
    previewed = ours.do("preview", "--expect-no-changes")
    assert previewed.code == 0, previewed.out
    assert ours.do("destroy").code == 0
    assert world.items() == {}
