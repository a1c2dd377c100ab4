"""Readers of blocks and states beside a writer that moves between branches, prunes, and whose map grows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from state_chains import ADDRESSES, MAIN, Step, first_block, states, write_next
from stored_chains import CHAIN_ID

from phal2.node.state.database import MissingNode
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore
from phal2.node.storage.errors import StatePruned

BLOCKS = 120
RETENTION = 40
READERS = 3


def test_readers_find_every_kept_state_while_the_map_grows_from_almost_nothing(tmp_path: Path):
    store = ChainStore.open(
        tmp_path, first_block(), CHAIN_ID, retention=RETENTION, initial_map_size=1 << 15, durable=False
    )
    first_map_size = store._environment.map_size
    expected = [list(state.balances) for state in states(Step(number, MAIN) for number in range(1, BLOCKS + 1))]
    done, wrong, reads = threading.Event(), list[object](), list[int]()

    def read() -> None:
        while not done.is_set():
            # Siblings are off the chain three blocks later.
            number = max(0, store.head().number - 3)
            header = store.header_by_number(number)
            if header is None:
                wrong.append(f"no block {number}")
                continue
            try:
                state = WorldState(store, header.state_root, TrieReader(store, 100))
                balances = [state.balance(address) for address in ADDRESSES]
            except (StatePruned, MissingNode):
                # A reader may be so slow that what it reads is pruned meanwhile, for a head up to 3 blocks higher.
                if store.head().number - number < RETENTION - 3:
                    wrong.append(f"no state of block {number}")
                continue
            if number and balances != expected[number - 1]:
                wrong.append(number)
            reads.append(number)

    with ThreadPoolExecutor(READERS) as readers:
        reading = [readers.submit(read) for _ in range(READERS)]
        writer = TrieReader(store)
        try:
            while store.head().number < BLOCKS:
                write_next(store, writer)
        finally:
            done.set()
        for each in reading:
            each.result()

    assert wrong == []
    assert len(set(reads)) > 5
    assert store._environment.map_size > first_map_size
    assert store.oldest_state() > 0
    store.close()
