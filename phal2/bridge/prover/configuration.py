"""The configuration file of a prover, byte by byte: enclaves measure it, so the same rollup must give the same."""

import json

from phal2.node.protocol.rollup_config import RollupConfig


def prover_configuration(config: RollupConfig) -> bytes:
    """Return the bytes of the file that provers of a rollup are started with: JSON with sorted keys."""
    return json.dumps(config.to_json(), sort_keys=True).encode()
