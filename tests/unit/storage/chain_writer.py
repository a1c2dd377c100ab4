"""A process that writes blocks until it is killed: prints the number of each once its write has returned."""

import sys
from dataclasses import replace
from pathlib import Path

from stored_chains import CHAIN_ID, child, genesis

from phal2.node.storage import ChainStore


def main(directory: Path) -> None:
    """Go on from the stored head as fast as it goes."""
    store = ChainStore.open(directory, genesis(), CHAIN_ID, initial_map_size=1 << 20)
    head = store.block(store.head().hash)
    assert head is not None
    parent = replace(genesis(), block=head)
    print("open", flush=True)
    while True:
        parent = child(parent, transactions=50, node_size=20_000)
        store.write_block(parent)
        print(parent.block.header.number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
