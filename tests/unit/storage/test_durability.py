"""A process killed while it writes loses nothing that it had acknowledged, and leaves no half block and no stray node.

It writes real states, moves between branches, prunes, and its map grows. `--all` makes ten times as many rounds.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from state_chains import (
    ADDRESSES,
    Step,
    canonical_steps,
    first_block,
    head_step,
    highest_until,
    states,
    step_after,
)
from stored_chains import CHAIN_ID

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore
from phal2.node.storage.environment import Environment
from phal2.node.storage.errors import StatePruned
from phal2.node.storage.inspection import inspect_database
from phal2.node.storage.state_records import blocks_at
from phal2.node.storage.tables import Table

KILLS = 5
RETENTION = 12
LATEST_KILL_SECONDS = 0.03


def write_until_killed(directory: Path, moments: random.Random) -> Step:
    """Kill a process at a random moment after some writes; return the last write that it acknowledged."""
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, str(here / "chain_writer.py"), str(directory), str(RETENTION)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[2])])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    for _ in range(moments.randrange(1, 40)):
        lines = [process.stdout.readline()]
    timer = threading.Timer(moments.uniform(0, LATEST_KILL_SECONDS), process.send_signal, [signal.SIGKILL])
    timer.start()
    # What the pipe still holds was acknowledged, too; a line cut short by the kill was not.
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    number, branch = next(line for line in reversed(lines) if line.endswith("\n")).split()
    return Step(int(number), branch.encode())


def check_blocks(store: ChainStore) -> None:
    """Every canonical block is whole, and follows from the one before it."""
    parent_hash = first_block().block.hash
    for number in range(1, store.head().number + 1):
        block = store.block_by_number(number)
        assert block is not None
        assert block.header.parent_hash == parent_hash
        assert header_hash(block.header) == block.hash
        receipts, senders = store.receipts(block.hash), store.senders(block.hash)
        assert receipts is not None
        assert senders is not None
        assert len(receipts) == len(senders) == len(block.transactions)
        location = store.find_transaction(keccak256(block.transactions[-1]))
        assert location is not None
        assert location.block_number == number
        parent_hash = block.hash
    assert store.block_hash(store.head().number + 1) is None


def check_states(store: ChainStore) -> None:
    """Every state that the retention asks for is what the blocks led to; what is older says that it is pruned."""
    head, oldest = head_step(store), store.oldest_state()
    assert oldest == max(0, min(highest_until(head) - RETENTION + 1, store.read_heads().finalized.number))
    for number, expected in enumerate(states(canonical_steps(head)), 1):
        header = store.header_by_number(number)
        assert header is not None
        if number < oldest:
            with pytest.raises(StatePruned):
                WorldState(store, header.state_root)
            continue
        state = WorldState(store, header.state_root, block_hash=header_hash(header))
        assert [state.balance(address) for address in ADDRESSES] == expected.balances
        words = {(contract, slot): state.storage(ADDRESSES[contract], slot) for contract, slot in expected.storage}
        assert words == expected.storage


def readable_nodes(store: ChainStore, environment: Environment) -> int:
    """How many nodes the states have that are kept, on the canonical chain or off it."""
    reader, found = TrieReader(store), set[int]()
    for number in range(store.oldest_state(), store.head().number + 3):
        for block in environment.read(lambda transaction, number=number: blocks_at(transaction, number)):
            header = store.header(block.hash)
            assert header is not None
            found |= set(reader.locations(reader.root(header.state_root, block.hash), with_storage=True))
    return len(found)


def test_killed_at_any_moment_the_chain_is_whole_up_to_the_last_acknowledged_block(
    request: pytest.FixtureRequest, tmp_path: Path
):
    kills = KILLS * 10 if request.config.getoption("--all", default=False) else KILLS
    seed = int(os.environ.get("PHAL2_KILL_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"PHAL2_KILL_SEED={seed}")
    moments = random.Random(seed)
    directory = tmp_path / "chain"
    heads = set[BlockId]()
    for _ in range(kills):
        acknowledged = write_until_killed(directory, moments)
        store = ChainStore.open(directory, first_block(), CHAIN_ID, retention=RETENTION)
        assert head_step(store) in (acknowledged, step_after(acknowledged))
        check_blocks(store)
        check_states(store)
        stored = readable_nodes(store, store._environment)
        heads.add(store.head())
        store.close()
        assert inspect_database(directory, 0).tables[Table.NODES].entries == stored
    assert len(heads) == kills
