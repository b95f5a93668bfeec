"""The command line as people and scripts use it: what is printed, what is kept, what it ends with."""

import json

import pytest

from tests.lab.engine.engines import Ours, Project
from tests.lab.engine.scenarios import other, ref, thing

SECRET = "hush-hush-hush"


@pytest.fixture
def made(engine):
    """A stack with a secret and an output."""
    engine.project.describe(
        [thing("a", size=1, label={"secret": SECRET}), other("note", "note", text={"secret": SECRET})],
        exports={"arn": ref("a.arn"), "word": {"secret": SECRET}, "many": {"x": [1, 2]}},
    )
    outcome = engine.up()
    assert outcome.code == 0, outcome.out
    return engine


def test_each_change_is_one_line_and_the_end_sums_up(engine):
    engine.project.describe([thing("a")], exports={"arn": ref("a.arn")})

    lines = engine.up().out.splitlines()

    assert any(line.startswith("+  world:index:Thing a created (") for line in lines)
    assert '    arn: "arn:a-1"' in lines
    assert "    + 2 created" in lines
    assert any(line.startswith("Duration: ") for line in lines)


def test_what_a_provider_says_appears_on_the_resources_row(engine):
    engine.project.describe([thing("a", say="evicting 3 of 7", delay=0.2)])

    assert "+  world:index:Thing a evicting 3 of 7" in engine.up().out.splitlines()


def test_a_plan_is_a_tree(engine):
    engine.project.describe([other("box", "box"), thing("a", options={"parent": "box"}), thing("b")])

    out = engine.do("preview").out

    assert [line.split() for line in out.splitlines() if "create" in line] == [
        ["+", "pulumi:pulumi:Stack", "scenario-dev", "create"],
        ["+", "├─", "boxes:index:Box", "box", "create"],
        ["+", "│", "└─", "world:index:Thing", "a", "create"],
        ["+", "└─", "world:index:Thing", "b", "create"],
        ["+", "4", "to", "create"],
    ]


def test_a_difference_names_what_changes_and_hides_secrets(made):
    made.project.describe(
        [thing("a", size=2, zone="z", label={"secret": SECRET + "!"})], exports={"arn": ref("a.arn")}
    )

    out = made.do("preview", "--diff").out

    assert "~ size: 1 => 2" in out
    assert "~ label: [secret] => [secret]" in out
    assert '+ zone: "z"' in out
    assert "(replace)" in out
    assert "- word: [secret]" in out
    assert SECRET not in out


def test_no_secret_is_in_the_state_or_the_output(made):
    outcome = made.do("preview", "--json")

    assert SECRET not in outcome.out
    for path in made.state.rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text()


def test_the_digest_has_the_shape_of_pulumis(made):
    made.project.describe([thing("a", size=2), thing("c")])

    digest = json.loads(made.do("preview", "--json").out)

    steps = {step["urn"].rpartition("::")[2]: step for step in digest["steps"]}
    assert {"config", "steps", "diagnostics", "duration", "changeSummary"} == digest.keys()
    assert digest["changeSummary"] == {"create": 1, "delete": 1, "same": 1, "update": 1}
    assert tuple(steps[name]["op"] for name in ("a", "c", "note")) == ("update", "create", "delete")
    assert steps["a"]["detailedDiff"]["size"] == {"kind": "update", "inputDiff": True}
    assert (steps["a"]["oldState"]["inputs"]["size"], steps["a"]["newState"]["inputs"]["size"]) == (1, 2)
    assert steps["a"]["oldState"]["inputs"]["label"] == "[secret]"


def test_outputs_are_shown_one_or_all(made):
    assert json.loads(made.run("stack", "output", "--json", "-s", "dev").out) == {
        "arn": "arn:a-1",
        "word": "[secret]",
        "many": {"x": [1, 2]},
    }
    assert made.run("stack", "output", "arn", "-s", "dev").out == "arn:a-1\n"
    assert made.run("stack", "output", "word", "--show-secrets", "-s", "dev").out == f"{SECRET}\n"
    assert made.run("stack", "output", "nothing", "-s", "dev").code == 1


def test_a_program_reads_what_another_stack_exports_before_it_registers_anything(made):
    assert made.run("stack", "init", "other").code == 0
    outputs = {"kind": "outputs", "name": "seen", "stack": "organization/scenario/dev", "output": "arn"}
    made.project.describe([outputs], exports={"seen": ref("seen.said")})

    assert made.run("up", "--yes", "--skip-preview", "-s", "other").code == 0

    assert made.run("stack", "output", "seen", "-s", "other").out == "arn:a-1\n"


def test_a_stack_that_does_not_exist_is_named(made):
    outputs = {"kind": "outputs", "name": "seen", "stack": "organization/scenario/none", "output": "arn"}
    made.project.describe([outputs])

    failed = made.do("preview")

    assert failed.code != 0
    assert "organization/scenario/none" in failed.out


def test_a_state_goes_out_and_in_again(made, tmp_path):
    exported = tmp_path / "exported.json"
    assert made.run("stack", "export", "--show-secrets", "--file", str(exported), "-s", "dev").code == 0
    assert SECRET in exported.read_text()

    assert made.run("stack", "rm", "--yes", "--force", "dev").code == 0
    assert made.run("stack", "init", "dev").code == 0
    assert made.run("stack", "import", "--file", str(exported), "-s", "dev").code == 0

    assert made.do("preview", "--expect-no-changes").code == 0
    assert SECRET not in json.dumps(made.deployment())


def test_a_state_of_the_pulumi_cli_is_taken_and_no_provider_gets_its_notes(engine, world, tmp_path):
    engine.project.describe([other("region", "west", region="w"), thing("b", options={"provider": "west"})])
    assert engine.up().code == 0
    exported = tmp_path / "exported.json"
    engine.run("stack", "export", "--file", str(exported), "-s", "dev")
    content = json.loads(exported.read_text())
    providers = [one for one in content["deployment"]["resources"] if "pulumi:providers:" in one["type"]]
    for provider in providers:  # what the CLI notes about their download
        for kept in ("inputs", "outputs"):
            provider.setdefault(kept, {})["__internal"] = {"pluginDownloadURL": "https://example.com"}
    exported.write_text(json.dumps(content))

    assert providers
    assert engine.run("stack", "import", "--file", str(exported), "-s", "dev").code == 0
    assert engine.do("preview", "--expect-no-changes").code == 0
    assert engine.do("destroy", "--yes").code == 0
    assert [call for call in world.calls() if "__internal" in json.dumps(call)] == []


def test_options_may_stand_before_the_verb(made):
    assert made.run("-s", "dev", "preview", "--expect-no-changes").code == 0
    assert made.run("preview", "--expect-no-changes", env={"PULUMI_STACK": "dev"}).code == 0


def test_stacks_are_listed_and_chosen(engine):
    assert engine.run("stack", "init", "prod").code == 0
    listed = json.loads(engine.run("stack", "ls", "--json").out)
    assert [(entry["name"], entry["current"]) for entry in listed] == [("dev", False), ("prod", True)]

    assert engine.run("stack", "select", "dev").code == 0
    assert json.loads(engine.run("stack", "ls", "--json").out)[0]["current"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["preview", "-s", "nowhere"], 6, "no stack named 'nowhere' found"),
        (["up", "-s", "dev"], 2, "--yes"),
        (["stack", "init", "dev"], 1, "already exists"),
        (["config", "get", "nothing", "-s", "dev"], 1, "configuration key 'nothing' not found"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(engine, arguments, code, text):
    outcome = engine.run(*arguments)

    assert (code, 1) == (outcome.code, len(outcome.out.strip().splitlines())), outcome.out
    assert text in outcome.out


def test_a_wrong_passphrase_is_one_line(made):
    outcome = made.run("preview", "-s", "dev", env={"PULUMI_CONFIG_PASSPHRASE": "wrong"})

    assert outcome.code == 1
    assert outcome.out.startswith("error: incorrect passphrase")


def test_configuration_is_set_read_and_given_to_the_program(engine):
    assert engine.run("config", "set", "colour", "red", "-s", "dev").code == 0
    assert engine.run("config", "set", "--secret", "word", SECRET, "-s", "dev").code == 0
    assert engine.run("config", "set", "--path", "net.zones[0]", "a", "-s", "dev").code == 0
    assert engine.run("config", "get", "colour", "-s", "dev").out == "red\n"
    assert engine.run("config", "get", "word", "-s", "dev").out == f"{SECRET}\n"
    assert engine.run("config", "get", "--path", "net.zones[0]", "-s", "dev").out == "a\n"
    assert SECRET not in engine.run("config", "-s", "dev").out
    engine.project.describe([], exports={"colour": {"config": "colour"}, "word": {"config-secret": "word"}})

    out = engine.up().out

    assert '    colour: "red"' in out
    assert "    word: [secret]" in out


def test_a_refusal_of_the_program_is_its_message_and_nothing_else(engine):
    engine.project.describe([], **{"raise": "refusal"})

    out = engine.do("preview").out

    assert "error: as the program was told" in out
    assert "Traceback" not in out


def test_a_crash_of_the_program_is_shown_from_its_own_first_line(engine):
    engine.project.describe([], **{"raise": "crash"})

    out = engine.do("preview").out

    assert "Traceback" in out
    assert "ValueError: as the program was told" in out
    assert "runner.py" not in out
    assert "runpy" not in out


def test_a_missing_provider_is_named(engine):
    engine.project.describe([thing("a")])
    outcome = engine.run("preview", "-s", "dev", env={"PULUMI_DEBUG_PROVIDERS": ""})
    assert outcome.code == 0, "the provider is given on the command line"
    engine.world_port = "exit 3"

    outcome = engine.do("preview")

    assert outcome.code == 1
    assert "provider 'world'" in outcome.out


def test_one_stack_reads_anothers_outputs(made, world, tmp_path):
    project = Project(tmp_path / "reader", "reader")
    reader = Ours(project, made.state, world.port)
    assert reader.run("stack", "init", "dev").code == 0
    project.describe(
        [{"kind": "stack", "name": "far", "stack": "organization/scenario/dev"}],
        exports={"all": ref("far.outputs")},
    )

    outcome = reader.up()

    assert outcome.code == 0, outcome.out
    assert "arn:a-1" in reader.run("stack", "output", "all", "--show-secrets", "-s", "dev").out
    assert SECRET not in outcome.out
    assert SECRET not in json.dumps(reader.deployment())
    assert reader.do("preview", "--expect-no-changes").code == 0


def test_providers_started_by_command_end_with_the_run(project, world, tmp_path):
    import sys

    engine = Ours(
        project, tmp_path / "spawned", f"{sys.executable} -m tests.lab.engine.world {world.directory}"
    )
    engine.run("stack", "init", "dev")
    project.describe(
        [other("region", "west", region="w"), thing("a", options={"provider": "west"}), thing("b")]
    )

    outcome = engine.up()

    assert outcome.code == 0, outcome.out
    assert {"a-1", "b-1"} == world.things().keys()
    assert engine.do("destroy").code == 0
    assert world.things() == {}
