"""A process that writes blocks until it is killed: prints each once its write has returned."""

import sys
from pathlib import Path

from state_chains import first_block, write_next
from stored_chains import CHAIN_ID

from phal2.node.state.trie import TrieReader
from phal2.node.storage import ChainStore


def main(directory: Path, retention: int) -> None:
    """Go on from the stored head as fast as it goes, on a map that is too small at first."""
    store = ChainStore.open(directory, first_block(), CHAIN_ID, retention=retention, initial_map_size=1 << 16)
    reader = TrieReader(store)
    print("open", flush=True)
    while True:
        step = write_next(store, reader)
        print(step.number, step.branch.decode(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
