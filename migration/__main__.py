"""`python -m migration`: look at a migration without Pulumi."""

import sys

from migration.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
