"""`python -m phal2` is the `phal2` command."""

import sys

from phal2.devnet.command.main import main

if __name__ == "__main__":
    sys.exit(main())
