"""`kill -9` at random moments under load: what was told stays true, the chain is whole, and everything goes on.

`--all` makes 50 rounds of it instead of 5. A round's moments follow from its seed, which a failure shows;
PHAL2_KILL_SEED sets the first one.
"""

import itertools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from chain_consistency import assert_consistent, assert_head_is_executable, block_hash
from load_until_end import LoadUntilEnd, Told
from mixed_load import MixedLoad, deposits

from phal2.devnet.process import DevnetProcess
from phal2.node.protocol.predeploys import L1_BLOCK

ROUNDS: Final = 5
ALL_ROUNDS: Final = 50
LATEST_KILL_SECONDS: Final = 1.0
"""After the receipts of a round; L1 seals meanwhile, the batcher posts, the follower derives."""
ROUNDS_PER_KILLED_START: Final = 5
LONGEST_KILLED_START_SECONDS: Final = 2.5
NOBODY: Final = b"\xab" * 20

Until = Callable[[Callable[[], Any]], Any]


class KilledDevnet:
    """A devnet on one directory, killed and started again, with its load and what it has told."""

    def __init__(self, data_dir: Path, until: Until) -> None:
        self._options = ("--data-dir", str(data_dir), "--l1-block-time", "1")
        self._until = until
        self.told = Told()
        self._checked = 0
        self.devnet = DevnetProcess.start(*self._options)
        try:
            self.load = MixedLoad(self.devnet, 8)
        except BaseException:
            self.devnet.kill()
            raise

    def run_round(self, moments: random.Random, kills_next_start: bool) -> None:
        """Load, kill, start again, and check everything."""
        count, delay = moments.randrange(10, 60), moments.uniform(0, LATEST_KILL_SECONDS)
        load = LoadUntilEnd(self.devnet, self.told, self.devnet.process.kill, count, delay)
        received = load.run(self.load.transactions(sys.maxsize), deposits(self.devnet, 3))
        self.devnet.kill()
        print(f"killed after {received} new receipts, {delay:.3f} s after number {count}")
        if kills_next_start:
            self._kill_start_after(moments.uniform(0, LONGEST_KILLED_START_SECONDS))
        self.devnet = DevnetProcess.start(*self._options)
        self.load.go_on_with(self.devnet)
        self.told.assert_still_true(self.devnet)
        self._check_new_blocks()

    def check_all(self) -> None:
        """Every block of sequencer and follower from the genesis on."""
        self._checked = 0
        self._check_new_blocks()

    def _check_new_blocks(self) -> None:
        l2, follower = self.devnet.l2, self.devnet.follower
        head = l2.block_number()
        sender = self.load.senders[0].address
        # The first words of L1Block change with every block, those of the notebook with the load.
        accounts = {sender: (), L1_BLOCK: range(3), self.load.notebook: (0,), NOBODY: ()}
        assert_consistent(l2, self._checked, head, accounts)
        assert_head_is_executable(l2, self.load.notebook, sender)
        self._until(lambda: l2.block_number() > head)
        self._until(lambda: follower.block_number() >= head)
        assert_consistent(follower, self._checked, head, accounts)
        for number in range(self._checked, head + 1):
            assert block_hash(follower, number) == block_hash(l2, number), f"block {number}"
        self._checked = head

    def _kill_start_after(self, seconds: float) -> None:
        ports = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
        command = (sys.executable, "-m", "phal2", "devnet", *ports, *self._options)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            process.wait()
            timer.join()
        print(f"killed a start after {seconds:.3f} s")


def test_nothing_that_was_told_is_lost_and_the_chain_is_whole(
    request: pytest.FixtureRequest, tmp_path: Path, until: Until
) -> None:
    rounds = ALL_ROUNDS if request.config.getoption("--all", default=False) else ROUNDS
    first_seed = int(os.environ.get("PHAL2_KILL_SEED", random.SystemRandom().randrange(1 << 32)))
    chain = KilledDevnet(tmp_path, until)
    try:
        for number, seed in zip(range(rounds), itertools.count(first_seed), strict=False):
            print(f"round {number}: PHAL2_KILL_SEED={seed}")
            kills_next_start = number % ROUNDS_PER_KILLED_START == 1
            chain.run_round(random.Random(seed), kills_next_start)
        chain.check_all()
    finally:
        chain.devnet.kill()
    assert len(chain.told.receipts) >= 10 * rounds
