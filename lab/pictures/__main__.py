"""`python -m lab.pictures [PICTURE ...]`: write the pictures of docs/pictures/ anew.

`plan` and `verdict` need nothing: they run the commands over what was recorded. `migration` starts a lab.
"""

import sys
from collections.abc import Callable, Sequence

from lab.environment import ROOT, Places
from lab.errors import LabError
from lab.pictures import command, migration, verdict
from lab.sample_cluster import planned

FOLDER = ROOT / "docs" / "pictures"
PLAN_COLUMNS = 130
PICTURES: dict[str, Callable[[Places], str]] = {
    "plan": lambda _: command.picture(planned.COMMAND, planned.sources(), PLAN_COLUMNS),
    "verdict": lambda _: verdict.picture(),
    "migration": migration.picture,
}
"""What makes each picture."""
USAGE = f"usage: python -m lab.pictures [{' '.join(f'[{name}]' for name in PICTURES)}]   (default: all)"


def main(arguments: Sequence[str]) -> int:
    """Make the named pictures, or all."""
    if unknown := set(arguments) - PICTURES.keys():
        print(f"error: no picture {', '.join(sorted(unknown))}\n{USAGE}", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    try:
        for name in arguments or PICTURES:
            content = PICTURES[name](Places.default())
            file = FOLDER / f"{name}.svg"
            file.write_text(content)
            print(f"wrote {file.relative_to(ROOT)}, {len(content) // 1024} kB")
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
