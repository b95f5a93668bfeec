"""Which providers run the program in the lab: its own emulations, or the official plugins on PATH.

`--providers` of the lab's commands and of the demos chooses; `lab.program` starts them. AWS itself is
emulated in any case, and so is its provider: the official one would need an account.
"""

import argparse
import shutil
from collections.abc import Mapping
from enum import StrEnum

from lab.errors import LabError

PACKAGES = ("aws", "eks", "kubernetes", "tls")
"""All providers of the program. The lab emulates each of them."""

OFFICIAL = ("eks", "kubernetes", "tls")
"""Those that reach nothing but the lab when they are the official ones."""


class Providers(StrEnum):
    """The values that `--providers` takes."""

    EMULATED = "emulated"
    REAL = "real"


class MissingPluginError(LabError):
    """`--providers real` was given, and an official plugin is not on PATH."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            f"--providers real: not on PATH: {', '.join(map(executable, missing))}. Install with "
            f"`pulumi plugin install resource {missing[0]}` and put its folder below ~/.pulumi/plugins "
            "on PATH, or use --providers emulated"
        )


def executable(package: str) -> str:
    """The file name of a provider's official plugin."""
    return f"pulumi-resource-{package}"


def official_plugins(providers: Providers, path: str) -> Mapping[str, str]:
    """The official plugins to use instead of emulations: the executable of each package.

    Args:
        providers: The choice; there are none with `emulated`.
        path: $PATH.

    Raises:
        MissingPluginError: one of them is not there.
    """
    if providers is Providers.EMULATED:
        return {}
    found = {name: shutil.which(executable(name), path=path) for name in OFFICIAL}
    if missing := [name for name, file in found.items() if file is None]:
        raise MissingPluginError(missing)
    return {name: file for name, file in found.items() if file}


def add_providers_option(parser: argparse.ArgumentParser) -> None:
    """Add `--providers`, for the commands that run the program."""
    parser.add_argument(
        "--providers",
        choices=[str(each) for each in Providers],
        default=str(Providers.EMULATED),
        help="the lab's own, or the plugins eks, kubernetes and tls from PATH (default: %(default)s)",
    )
