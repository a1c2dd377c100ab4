"""Headers are written as the tests of the L1 client write them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "l1"))
