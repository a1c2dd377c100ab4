import sys
from pathlib import Path

# The chain in memory on which the contracts' own tests run their code.
sys.path.append(str(Path(__file__).parents[1] / "contracts"))
# The rollup on a clock that tests advance.
sys.path.append(str(Path(__file__).parents[1] / "driver"))
