"""Every command line of the pages exists: its program, its subcommand, its options.

Command lines of this project are checked in `test_pages.py`. Those of others are held against what their
programs know: the AWS CLI against the models it is made of, the others against the lists below.
"""

import re
import shlex
from functools import cache

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from tests.program.docs.pages import PAGES, commands, lines_of_blocks

pytestmark = pytest.mark.unit

SHELL = {
    ".",
    "cd",
    "eval",
    "$EDITOR",
    "tail",
    "grep",
    "jq",
    "git",
    "pip",
    "pipx",
    "python3",
    "python",
    "make",
}
"""Programs whose options are not checked here."""
BY_AWS_CLI = {
    ("eks", "update-kubeconfig"),
    ("eks", "get-token"),
    ("sso", "login"),
    ("configure", "list"),
    ("configure", "list-profiles"),
}
"""Commands that the AWS CLI has besides those of its models (awscli/customizations)."""
OF_EVERY_AWS_COMMAND = {"region", "profile", "query", "output"}
RUNNING = "--yes --diff --stack --target --refresh --expect-no-changes --suppress-outputs --non-interactive"
"""Options of every command of Pulumi that runs the program, or most of them."""
# Subcommands, with the options that the pages use.
# pulumi: https://www.pulumi.com/docs/iac/cli/commands/. kubectl: https://kubernetes.io/docs/reference/kubectl/.
# helm: https://helm.sh/docs/helm/. cilium: `cilium help` of cilium-cli. hubble: `hubble help observe`.
KNOWN = {
    "pulumi": {
        "cancel": "",
        "config rm": "--path",
        "config set": "--path",
        "destroy": RUNNING,
        "import": "",
        "login": "",
        "plugin install": "",
        "preview": f"{RUNNING} --json",
        "refresh": RUNNING,
        "stack": "",
        "stack export": "--file",
        "stack import": "--file",
        "stack init": "--secrets-provider",
        "stack output": "--json",
        "stack rm": "--force",
        "up": f"{RUNNING} --skip-preview --replace",
    },
    "kubectl": {
        "apply": "--server-side --force-conflicts -f",
        "auth can-i": "--all-namespaces --namespace --subresource",
        "auth whoami": "",
        "config get-contexts": "",
        "debug": "",
        "delete": "",
        "describe": "",
        "drain": "--skip-wait-for-delete-timeout",
        "exec": "",
        "get": "-A -L -l -o --all-namespaces --field-selector --no-headers --raw --show-labels "
        "--show-managed-fields",
        "label": "",
        "logs": "-l --tail",
        "proxy": "",
        "rollout restart": "",
        "uncordon": "",
    },
    "helm": {"list": "", "rollback": ""},
    "cilium": {"status": "--wait -o", "connectivity test": "--single-node", "clustermesh status": ""},
    "cilium-dbg": {"status": "--all-clusters"},
    "hubble": {"observe": "--verdict"},
}
GLOBAL = {"kubectl": {"-n", "--context"}, "helm": {"-n"}}
WITH_A_VALUE = {"-n", "--context", "--path", "--stack", "--file", "--field-selector", "--raw", "--namespace"}
_SEPARATORS = re.compile(r" (?:\||&&|;) ")
_INTO_A_FILE = re.compile(r" > \S+$")


@cache
def service(name: str):
    session = boto3.Session(region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    return session.client(name).meta.service_model


def wrong_with(line: str) -> str | None:
    """Say what is wrong with a command line of a program of others; None where nothing is."""
    words = shlex.split(line, posix=True)
    if "=" in words[0] and words[0].partition("=")[0].isupper():
        words = words[1:]
    words[0] = words[0].removeprefix(".venv/bin/")
    if words[0] == "aws":
        return _wrong_with_aws(words[1:])
    if words[0] in KNOWN:
        return _wrong_with_known(words)
    return None if words[0] in SHELL or words[0] == "eks-cilium" else f"unknown program {words[0]}"


def _wrong_with_aws(words: list[str]) -> str | None:
    name, operation = words[:2]
    if (name, operation) in BY_AWS_CLI:
        return None
    try:
        model = service(name)
    except UnknownServiceError:
        return f"no service {name}"
    found = {xform_name(each, "-"): each for each in model.operation_names}
    if operation not in found:
        return f"{name} has no {operation}"
    shape = model.operation_model(found[operation]).input_shape
    members = {xform_name(each, "-") for each in (shape.members if shape else ())} | OF_EVERY_AWS_COMMAND
    given = {word[2:].partition("=")[0] for word in words[2:] if word.startswith("--")}
    return f"{name} {operation} has no {given - members}" if given - members else None


def _wrong_with_known(words: list[str]) -> str | None:
    program, rest = words[0], words[1:]
    if "--" in rest:
        inner = rest[rest.index("--") + 1 :]
        rest = rest[: rest.index("--")]
        if inner and inner[0] in KNOWN and (wrong := _wrong_with_known(inner)):
            return wrong
    options = {word.partition("=")[0] for word in rest if word.startswith("-")}
    plain = [
        word
        for before, word in zip(["", *rest], rest, strict=False)
        if not word.startswith("-") and before not in WITH_A_VALUE
    ]
    groups = {found.partition(" ")[0] for found in KNOWN[program] if " " in found}
    length = 2 if plain[0] in groups else 1
    name = next((found for found in KNOWN[program] if found.split() == plain[:length]), None)
    if name is None:
        return f"{program} has no {' '.join(plain[:length])}"
    unknown = options - set(KNOWN[program][name].split()) - GLOBAL.get(program, set())
    return f"{program} {name} has no {unknown}" if unknown else None


def parts(line: str) -> list[str]:
    """The commands of a line, between pipes and the like; without what only stands for something."""
    found = (_INTO_A_FILE.sub("", part) for part in _SEPARATORS.split(line))
    return [part for part in found if part.strip() and "..." not in part]


def test_every_command_line_of_a_shell_block_exists() -> None:
    lines = [(page.name, part) for page in PAGES for line in lines_of_blocks(page) for part in parts(line)]

    assert len(lines) > 50
    assert [(page, line, wrong) for page, line in lines if (wrong := wrong_with(line))] == []


def test_every_command_in_a_sentence_exists() -> None:
    lines = [(page.name, part) for page in PAGES for line in commands(page) for part in parts(line)]
    named = [(page, line) for page, line in lines if len(line.split()) > 1]

    assert [(page, line, wrong) for page, line in named if (wrong := wrong_with(line))] == []


@pytest.mark.parametrize(
    "line",
    [
        "aws eks describe-cluster --nane a",
        "aws eks describe-klusters",
        "kubectl got nodes",
        "kubectl -n kube-system get pods --colour",
        "pulumi stack explode",
        "kubectl -n kube-system exec daemonset/cilium -- cilium-dbg stat",
        "curl example.org",
    ],
)
def test_the_guard_for_command_lines_of_others_can_fail(line: str) -> None:
    assert wrong_with(line)
