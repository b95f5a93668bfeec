"""The command line of what generates a page of `docs/`; `settings.reference` and `.compatibility` call it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def write_page(
    arguments: Sequence[str], *, module: str, description: str, file: str, page: Callable[[], str]
) -> int:
    """Write the page to the file that is named; without arguments only print the help."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog=f"Example: python -m {module} --write {file}",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="the file to write")
    named = parser.parse_args(arguments).write
    if named is None:
        parser.print_help()
    else:
        named.write_text(page())
        print(f"wrote {named}")
    return 0
