"""The command line as users and scripts see it: output, files and exit codes."""

import json

import pytest
import yaml

from tests.lab.engine.engines import Ours, Project
from tests.lab.engine.scenarios import item, other, ref

SECRET = "hush-hush-hush"


@pytest.fixture
def deployed(engine):
    """A deployed stack with a secret and an output."""
    engine.project.describe(
        [item("a", size=1, label={"secret": SECRET}), other("note", "note", text={"secret": SECRET})],
        exports={"arn": ref("a.arn"), "word": {"secret": SECRET}, "many": {"x": [1, 2]}},
    )
    outcome = engine.up()
    assert outcome.code == 0, outcome.out
    return engine


def test_each_change_is_one_line_and_the_end_sums_up(engine):
    engine.project.describe([item("a")], exports={"arn": ref("a.arn")})

    lines = engine.up().out.splitlines()

    assert any(line.startswith("+  world:index:Item a created (") for line in lines)
    assert '    arn: "arn:a-1"' in lines
    assert "    + 2 created" in lines
    assert any(line.startswith("Duration: ") for line in lines)


def test_outputs_are_left_out_where_it_is_asked_for(engine):
    engine.project.describe([item("a")], exports={"arn": ref("a.arn")})

    out = engine.up("--suppress-outputs").out

    assert "arn:a-1" not in out
    assert "    + 2 created" in out


def test_what_a_provider_says_appears_on_the_resources_row(engine):
    engine.project.describe([item("a", say="evicting 3 of 7", delay=0.2)])

    assert "+  world:index:Item a evicting 3 of 7" in engine.up().out.splitlines()


def test_a_plan_is_a_tree(engine):
    engine.project.describe([other("box", "box"), item("a", options={"parent": "box"}), item("b")])

    out = engine.do("preview").out

    assert [line.split() for line in out.splitlines() if "create" in line] == [
        ["+", "pulumi:pulumi:Stack", "scenario-dev", "create"],
        ["+", "├─", "boxes:index:Box", "box", "create"],
        ["+", "│", "└─", "world:index:Item", "a", "create"],
        ["+", "└─", "world:index:Item", "b", "create"],
        ["+", "4", "to", "create"],
    ]


def test_a_difference_names_what_changes_and_hides_secrets(deployed):
    deployed.project.describe(
        [item("a", size=2, zone="z", label={"secret": SECRET + "!"})], exports={"arn": ref("a.arn")}
    )

    out = deployed.do("preview", "--diff").out

    assert "~ size: 1 => 2" in out
    assert "~ label: [secret] => [secret]" in out
    assert '+ zone: "z"' in out
    assert "(replace)" in out
    assert "- word: [secret]" in out
    assert SECRET not in out


def test_no_secret_is_in_the_state_or_the_output(deployed):
    outcome = deployed.do("preview", "--json")

    assert SECRET not in outcome.out
    for path in deployed.state.rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text()


def test_the_digest_has_the_shape_of_pulumis(deployed):
    deployed.project.describe([item("a", size=2), item("c")])

    digest = json.loads(deployed.do("preview", "--json").out)

    steps = {step["urn"].rpartition("::")[2]: step for step in digest["steps"]}
    assert {"config", "steps", "diagnostics", "duration", "changeSummary"} == digest.keys()
    assert digest["changeSummary"] == {"create": 1, "delete": 1, "same": 1, "update": 1}
    assert tuple(steps[name]["op"] for name in ("a", "c", "note")) == ("update", "create", "delete")
    assert steps["a"]["detailedDiff"]["size"] == {"kind": "update", "inputDiff": True}
    assert (steps["a"]["oldState"]["inputs"]["size"], steps["a"]["newState"]["inputs"]["size"]) == (1, 2)
    assert steps["a"]["oldState"]["inputs"]["label"] == "[secret]"


def test_a_single_output_or_all_of_them_are_shown(deployed):
    assert json.loads(deployed.run("stack", "output", "--json", "-s", "dev").out) == {
        "arn": "arn:a-1",
        "word": "[secret]",
        "many": {"x": [1, 2]},
    }
    assert deployed.run("stack", "output", "arn", "-s", "dev").out == "arn:a-1\n"
    assert deployed.run("stack", "output", "word", "--show-secrets", "-s", "dev").out == f"{SECRET}\n"
    assert deployed.run("stack", "output", "nothing", "-s", "dev").code == 1


def test_a_program_reads_what_another_stack_exports_before_it_registers_anything(deployed):
    assert deployed.run("stack", "init", "other").code == 0
    outputs = {"kind": "outputs", "name": "seen", "stack": "organization/scenario/dev", "output": "arn"}
    deployed.project.describe([outputs], exports={"seen": ref("seen.said")})

    assert deployed.run("up", "--yes", "--skip-preview", "-s", "other").code == 0

    assert deployed.run("stack", "output", "seen", "-s", "other").out == "arn:a-1\n"


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes", "--skip-preview")])
def test_a_program_reads_what_its_own_stack_exported_before(deployed, command):
    own = {"kind": "outputs", "name": "seen", "stack": "organization/scenario/dev", "output": "arn"}
    deployed.project.describe([own], exports={"again": ref("seen.said")})

    done = deployed.do(*command)

    assert done.code == 0, done.out
    assert "arn:a-1" in done.out


def test_a_stack_that_does_not_exist_is_named(deployed):
    outputs = {"kind": "outputs", "name": "seen", "stack": "organization/scenario/none", "output": "arn"}
    deployed.project.describe([outputs])

    failed = deployed.do("preview")

    assert failed.code != 0
    assert "organization/scenario/none" in failed.out


def test_a_state_is_exported_and_imported(deployed, tmp_path):
    exported = tmp_path / "exported.json"
    assert deployed.run("stack", "export", "--show-secrets", "--file", str(exported), "-s", "dev").code == 0
    assert SECRET in exported.read_text()

    assert deployed.run("stack", "rm", "--yes", "--force", "dev").code == 0
    assert deployed.run("stack", "init", "dev").code == 0
    assert deployed.run("stack", "import", "--file", str(exported), "-s", "dev").code == 0

    assert deployed.do("preview", "--expect-no-changes").code == 0
    assert SECRET not in json.dumps(deployed.deployment())


def test_a_state_of_the_pulumi_cli_is_imported_without_its_notes_on_downloads(engine, world, tmp_path):
    engine.project.describe([other("region", "west", region="w"), item("b", options={"provider": "west"})])
    assert engine.up().code == 0
    exported = tmp_path / "exported.json"
    engine.run("stack", "export", "--file", str(exported), "-s", "dev")
    content = json.loads(exported.read_text())
    providers = [
        entry for entry in content["deployment"]["resources"] if "pulumi:providers:" in entry["type"]
    ]
    for provider in providers:  # as the CLI records the download of the provider
        for kept in ("inputs", "outputs"):
            provider.setdefault(kept, {})["__internal"] = {"pluginDownloadURL": "https://example.com"}
    exported.write_text(json.dumps(content))

    assert providers
    assert engine.run("stack", "import", "--file", str(exported), "-s", "dev").code == 0
    assert engine.do("preview", "--expect-no-changes").code == 0
    assert engine.do("destroy", "--yes").code == 0
    assert [call for call in world.calls() if "__internal" in json.dumps(call)] == []


def test_options_may_stand_before_the_verb(deployed):
    assert deployed.run("-s", "dev", "preview", "--expect-no-changes").code == 0
    assert deployed.run("preview", "--expect-no-changes", env={"PULUMI_STACK": "dev"}).code == 0


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
def test_a_user_error_is_one_line(engine, arguments, code, text):
    outcome = engine.run(*arguments)

    assert (code, 1) == (outcome.code, len(outcome.out.strip().splitlines())), outcome.out
    assert text in outcome.out


def test_a_wrong_passphrase_is_one_line(deployed):
    outcome = deployed.run("preview", "-s", "dev", env={"PULUMI_CONFIG_PASSPHRASE": "wrong"})

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


@pytest.fixture
def config_file(engine, tmp_path):
    """A configuration file outside the project, beside another one for the same stack inside it."""
    inside = engine.project.directory / "stacks" / "Pulumi.dev.yaml"
    inside.write_text("config:\n  scenario:colour: red\n")
    path = tmp_path / "elsewhere" / "dev.yaml"
    path.parent.mkdir()
    path.write_text("config:\n  scenario:colour: blue\n")
    yield path
    assert inside.read_text() == "config:\n  scenario:colour: red\n", "the file in the project is not touched"


@pytest.mark.parametrize("verb", ["preview", "up"])
def test_a_configuration_file_given_by_option_replaces_that_of_the_project(engine, config_file, verb):
    engine.project.describe([], exports={"colour": {"config": "colour"}})

    out = engine.do(verb, "--config-file", str(config_file)).out

    assert 'colour: "blue"' in out


def test_configuration_is_read_from_and_written_to_the_given_file(engine, config_file):
    option = ["--config-file", str(config_file), "-s", "dev"]

    assert engine.run("config", "set", "size", "3", *option).code == 0
    assert engine.run("config", "get", "size", *option).out == "3\n"
    assert engine.run("config", *option[:2], "get", "colour", *option[2:]).out == "blue\n"
    assert "size" in engine.run("config", *option).out
    assert yaml.safe_load(config_file.read_text())["config"] == {
        "scenario:colour": "blue",
        "scenario:size": "3",
    }


def test_secrets_of_the_given_file_are_encrypted_with_its_own_salt(engine, config_file):
    option = ["--config-file", str(config_file)]
    engine.project.describe([], exports={"word": {"config-secret": "word"}})

    assert engine.run("config", "set", "--secret", "word", SECRET, *option, "-s", "dev").code == 0
    assert engine.up(*option).code == 0

    assert yaml.safe_load(config_file.read_text())["encryptionsalt"].startswith("v1:")
    assert SECRET not in config_file.read_text()
    assert engine.run("stack", "output", "word", "--show-secrets", "-s", "dev").out == f"{SECRET}\n"
    assert engine.do("preview", "--expect-no-changes", *option).code == 0


def test_a_new_stack_gets_no_configuration_file(engine, tmp_path):
    path = tmp_path / "prod.yaml"
    path.write_text("config:\n  scenario:colour: blue\n")
    engine.project.describe([], exports={"colour": {"config": "colour"}})

    assert engine.run("stack", "init", "prod").code == 0
    arguments = ["--yes", "--skip-preview", "-s", "prod", "--config-file", str(path)]
    assert engine.run("up", *arguments).code == 0

    assert list((engine.project.directory / "stacks").iterdir()) == []


def test_an_error_for_the_user_is_shown_without_a_traceback(engine):
    engine.project.describe([], **{"raise": "refusal"})

    out = engine.do("preview").out

    assert "error: raised by the program" in out
    assert "Traceback" not in out


def test_a_crash_is_shown_from_the_first_frame_of_the_program(engine):
    engine.project.describe([], **{"raise": "crash"})

    out = engine.do("preview").out

    assert "Traceback" in out
    assert "ValueError: raised by the program" in out
    assert "runner.py" not in out
    assert "runpy" not in out


def test_a_missing_provider_is_named(engine):
    engine.project.describe([item("a")])
    outcome = engine.run("preview", "-s", "dev", env={"PULUMI_DEBUG_PROVIDERS": ""})
    assert outcome.code == 0, "the provider is given on the command line"
    engine.world_port = "exit 3"

    outcome = engine.do("preview")

    assert outcome.code == 1
    assert "provider 'world'" in outcome.out


def test_one_stack_reads_anothers_outputs(deployed, world, tmp_path):
    project = Project(tmp_path / "reader", "reader")
    reader = Ours(project, deployed.state, world.port)
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
        [other("region", "west", region="w"), item("a", options={"provider": "west"}), item("b")]
    )

    outcome = engine.up()

    assert outcome.code == 0, outcome.out
    assert {"a-1", "b-1"} == world.items().keys()
    assert engine.do("destroy").code == 0
    assert world.items() == {}
