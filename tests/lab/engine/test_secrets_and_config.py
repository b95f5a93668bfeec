"""Secrets with a passphrase, and configuration files as users write and commands edit them."""

import pytest
import yaml

from lab.engine.errors import UserError
from lab.engine.project.files import Project, StackConfig, configuration, split_path
from lab.engine.state.encryption import Crypter, passphrase_from

pytestmark = pytest.mark.unit

# Written by the Pulumi CLI for the passphrase "correct horse" (`config set --secret password hush`).
CLI_SALT = "v1:Xj2KW37GxEU=:v1:K52g8NDLsKJ337jO:J62LIh76nxYqa4EzgK56+D4pZwK9eg=="
CLI_SECRET = "v1:z3FGT6QeF/rfvGtn:/h/vhLjpCzkZ/I99PN6ykLtvYjk="


@pytest.fixture(scope="module")
def crypter():
    return Crypter.unlock("correct horse", CLI_SALT)


def test_secrets_of_the_cli_are_read(crypter):
    assert crypter.decrypt(CLI_SECRET) == "hush"


def test_a_wrong_passphrase_is_refused_by_name():
    with pytest.raises(UserError, match="incorrect passphrase"):
        Crypter.unlock("battery staple", CLI_SALT)


def test_a_damaged_secret_is_refused(crypter):
    with pytest.raises(UserError, match="cannot be decrypted"):
        crypter.decrypt(crypter.encrypt("x")[:-4] + "AAA=")


def test_equal_secrets_keep_their_ciphertext_and_new_ones_do_not_repeat(crypter):
    assert crypter.encrypt("hush") == crypter.encrypt("hush")
    assert crypter.encrypt("hush") != crypter.encrypt("other")


def test_a_new_crypter_is_unlocked_by_its_salt():
    created = Crypter.create("pass")

    assert Crypter.unlock("pass", created.salt).decrypt(created.encrypt("word")) == "word"


def test_the_passphrase_comes_from_the_environment_or_a_file(tmp_path):
    (tmp_path / "phrase").write_text("from file\n")

    assert passphrase_from({}) is None
    assert passphrase_from({"PULUMI_CONFIG_PASSPHRASE": ""}) == ""
    assert passphrase_from({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "phrase")}) == "from file"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: python\nstackConfigDir: stacks\n"
        "config:\n  size:\n    type: integer\n    default: 3\n"
    )
    return Project.load(tmp_path)


def test_a_program_gets_strings_and_knows_which_are_secret(project, crypter):
    written = {
        "shop:password": {"secure": CLI_SECRET},
        "network": {"zones": ["a", "b"], "token": {"secure": CLI_SECRET}},
        "aws:region": "eu-central-1",
        "shop:on": True,
    }

    found = configuration(project, written, crypter)

    assert found.values == {
        "shop:password": "hush",
        "shop:network": '{"zones":["a","b"],"token":"hush"}',
        "aws:region": "eu-central-1",
        "shop:on": "true",
        "shop:size": "3",
    }
    assert found.secret_keys == {"shop:password", "shop:network"}


def test_secrets_without_a_passphrase_are_refused(project):
    with pytest.raises(UserError, match="PULUMI_CONFIG_PASSPHRASE"):
        configuration(project, {"shop:password": {"secure": CLI_SECRET}}, None)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a", [])),
        ("a.b", ("a", ["b"])),
        ("a[0].b", ("a", [0, "b"])),
        ('a["x.y"]', ("a", ["x.y"])),
        ("shop:a.b[2]", ("shop:a", ["b", 2])),
    ],
)
def test_paths_are_taken_apart(path, steps):
    assert split_path(path) == steps


def test_setting_a_part_keeps_the_rest_and_the_order(project):
    file = project.stack_file("dev")
    file.parent.mkdir()
    file.write_text("config:\n  shop:z: last\n  shop:network:\n    zones: [a, b]\n    nat: single\n")
    config = StackConfig.load(file)

    config.set("shop:network", ["zones", 2], "c")
    config.set("shop:network", ["tags", "team"], "infra")
    config.save()

    document = yaml.safe_load(file.read_text())
    assert list(document["config"]) == ["shop:z", "shop:network"]
    assert document["config"]["shop:network"] == {
        "zones": ["a", "b", "c"],
        "nat": "single",
        "tags": {"team": "infra"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runtime: python\n", "no project name"),
        ("name: x\nruntime: go\n", "runs Python programs only"),
        ("name: [\n", "is not YAML"),
    ],
)
def test_an_invalid_project_file_is_refused_with_the_reason(tmp_path, text, message):
    (tmp_path / "Pulumi.yaml").write_text(text)

    with pytest.raises(UserError, match=message):
        Project.load(tmp_path)


@pytest.mark.parametrize("name", ["a b", "../x", "", "x" * 101])
def test_an_invalid_stack_name_is_refused(project, name):
    with pytest.raises(UserError, match="not a stack name"):
        project.stack_file(name)
