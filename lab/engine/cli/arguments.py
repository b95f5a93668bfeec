"""The command line: options of this engine, then `--`, then arguments as `pulumi` takes them.

`python -m lab.engine --program DIR --state DIR --providers aws=COMMAND,eks=PORT -- up --yes`
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    own, rest = _split(arguments)
    namespace = _own().parse_args(own)
    return _pulumi().parse_args(rest, namespace)


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    words = list(arguments)
    if "--" in words:
        at = words.index("--")
        return words[:at], words[at + 1 :]
    return words, []


def _own() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.engine", usage="%(prog)s [options] -- pulumi-arguments"
    )
    parser.add_argument("--program", type=Path, default=Path.cwd(), help="directory of Pulumi.yaml")
    parser.add_argument("--state", type=Path, required=True, help="directory of the state")
    parser.add_argument("--providers", default="", help="PACKAGE=COMMAND or PACKAGE=PORT, comma-separated")
    return parser


def _common() -> argparse.ArgumentParser:
    # These options are allowed before and after the verb. An absent one sets nothing, so neither place
    # overrides.
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("-s", "--stack", help="the stack to operate on")
    parser.add_argument("--non-interactive", action="store_true", help="do not ask for input")
    parser.add_argument("--color", choices=("always", "never", "raw", "auto"))
    return parser


def _config_file() -> argparse.ArgumentParser:
    # Suppressed for the same reason: `pulumi config` takes it before and after `get` or `set`.
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument(
        "--config-file", type=Path, help="the stack's configuration file, if not Pulumi.<stack>.yaml"
    )
    return parser


def _run_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, parents=[_config_file()])
    parser.add_argument(
        "-t", "--target", action="append", default=[], metavar="URN", help="only this resource"
    )
    parser.add_argument("-p", "--parallel", type=int, default=4 * (os.cpu_count() or 2))
    parser.add_argument("--diff", action="store_true", help="show every property that changes")
    parser.add_argument("--expect-no-changes", action="store_true", help="fail if anything would change")
    parser.add_argument("--show-secrets", action="store_true", help="show secret outputs in plain text")
    parser.add_argument("--suppress-outputs", action="store_true", help="do not show the outputs at the end")
    return parser


def _changing_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument("-f", "--skip-preview", action="store_true", help="skip the preview")
    return parser


def _pulumi() -> argparse.ArgumentParser:
    common, running, changing = _common(), _run_options(), _changing_options()
    parser = argparse.ArgumentParser(prog="pulumi", parents=[common])
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="command")
    preview = verbs.add_parser("preview", parents=[common, running], help="show what up would do")
    preview.add_argument("-j", "--json", action="store_true", help="print the plan as JSON")
    for verb, what in (
        ("up", "create and update the resources of the stack"),
        ("refresh", "update the state from the cloud"),
        ("destroy", "delete everything"),
    ):
        verbs.add_parser(verb, parents=[common, running, changing], help=what)
    _stack_commands(verbs.add_parser("stack", parents=[common], help="manage stacks"), common)
    with_file = [common, _config_file()]
    _config_commands(verbs.add_parser("config", parents=with_file, help="manage configuration"), with_file)
    return parser


def _stack_commands(stack: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = stack.add_subparsers(dest="command", metavar="command")
    ls = commands.add_parser("ls", parents=[common], help="list the stacks")
    ls.add_argument("-j", "--json", action="store_true")
    for name, what in (("init", "create a stack"), ("select", "select the default stack")):
        commands.add_parser(name, parents=[common], help=what).add_argument("name", nargs="?")
    output = commands.add_parser("output", parents=[common], help="show the stack's outputs")
    output.add_argument("name", nargs="?")
    output.add_argument("-j", "--json", action="store_true")
    output.add_argument("--show-secrets", action="store_true")
    export = commands.add_parser("export", parents=[common], help="export the state")
    export.add_argument("--file", type=Path)
    export.add_argument("--show-secrets", action="store_true")
    import_ = commands.add_parser("import", parents=[common], help="import a state")
    import_.add_argument("--file", type=Path)
    import_.add_argument("-f", "--force", action="store_true")
    rm = commands.add_parser("rm", parents=[common], help="remove a stack")
    rm.add_argument("name", nargs="?")
    rm.add_argument("-y", "--yes", action="store_true")
    rm.add_argument("-f", "--force", action="store_true")


def _config_commands(config: argparse.ArgumentParser, common: list[argparse.ArgumentParser]) -> None:
    config.add_argument("--show-secrets", action="store_true")
    commands = config.add_subparsers(dest="command", metavar="command")
    get = commands.add_parser("get", parents=common, help="show one value")
    get.add_argument("key")
    get.add_argument("--path", action="store_true", help="the key is a path into a structured value")
    set_ = commands.add_parser("set", parents=common, help="set one value")
    set_.add_argument("key")
    set_.add_argument("value")
    set_.add_argument("--path", action="store_true", help="the key is a path into a structured value")
    kind = set_.add_mutually_exclusive_group()
    kind.add_argument("--secret", action="store_true", help="encrypt the value")
    kind.add_argument("--plaintext", action="store_true", help="save the value in plain text")
