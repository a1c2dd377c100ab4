"""phal2: a Phala-style Ethereum L2 rollup node."""

import os

# eth-hash chooses its backend when it is first imported, and would prefer pycryptodome, which is seven times slower.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

__version__ = "0.1.0"
