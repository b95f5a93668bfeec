"""`python -m lab.pictures [PICTURE ...]`: write the pictures of docs/pictures/ anew.

`verdict` needs nothing: it runs the command over recorded objects. `plan` and `migration` start a lab.
"""

import sys
from collections.abc import Callable, Sequence

from lab.environment import ROOT, Places
from lab.errors import LabError
from lab.pictures import migration, verdict

FOLDER = ROOT / "docs" / "pictures"
PICTURES: dict[str, Callable[[Places], dict[str, str]]] = {
    "verdict": lambda _: {"verdict.svg": verdict.picture()},
    "migration": migration.pictures,
}
"""What makes each picture, or several: their contents by name of file."""
USAGE = f"usage: python -m lab.pictures [{' '.join(f'[{name}]' for name in PICTURES)}]   (default: all)"


def main(arguments: Sequence[str]) -> int:
    """Make the named pictures, or all."""
    if unknown := set(arguments) - PICTURES.keys():
        print(f"error: no picture {', '.join(sorted(unknown))}\n{USAGE}", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    try:
        for name in arguments or PICTURES:
            for file, content in PICTURES[name](Places.default()).items():
                (FOLDER / file).write_text(content)
                print(f"wrote {(FOLDER / file).relative_to(ROOT)}, {len(content) // 1024} kB")
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
