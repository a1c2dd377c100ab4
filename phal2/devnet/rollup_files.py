"""The files with which other nodes follow a devnet: rollup.json and genesis.json in its data directory."""

import json
from pathlib import Path
from typing import Final

from phal2.bridge.whole_files import write_whole
from phal2.devnet.rollup import DevnetRollup

ROLLUP_CONFIG_NAME: Final = "rollup.json"
GENESIS_NAME: Final = "genesis.json"


def write_rollup_files(data_dir: Path, rollup: DevnetRollup) -> None:
    """Write both files, each as a whole or not at all. Raises `FileNotWritten`."""
    for name, document in (
        (ROLLUP_CONFIG_NAME, rollup.config.to_json()),
        (GENESIS_NAME, rollup.genesis.to_json()),
    ):
        write_whole(data_dir / name, json.dumps(document, indent=2) + "\n")
