"""A process killed while it writes loses nothing that it had acknowledged, and leaves no half block."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from stored_chains import CHAIN_ID, genesis

from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.storage import ChainStore

KILLS = 5


def write_until_killed(directory: Path, blocks: int) -> int:
    """Kill a writing process once it has acknowledged `blocks` more; return the last number that it acknowledged."""
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, str(here / "chain_writer.py"), str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parents[2])])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    for _ in range(blocks):
        acknowledged = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    # What the pipe still holds was acknowledged, too; a line cut short by the kill was not.
    rest = [line for line in process.stdout.read().split("\n")[:-1] if line]
    process.wait()
    return int(rest[-1]) if rest else acknowledged


def check_chain(store: ChainStore) -> None:
    """Every canonical block is whole, and follows from the one before it."""
    parent_hash = genesis().block.hash
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


def test_killed_at_any_moment_the_chain_is_whole_up_to_the_last_acknowledged_block(tmp_path: Path):
    acknowledged = 0
    for kill in range(KILLS):
        acknowledged = write_until_killed(tmp_path / "chain", blocks=3 + 7 * kill)
        store = ChainStore.open(tmp_path / "chain", genesis(), CHAIN_ID)
        assert acknowledged <= store.head().number <= acknowledged + 1
        check_chain(store)
        store.close()
    assert acknowledged > 50
