import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.dcap import QuoteRefusal
from phal2.node.sequencer.quote_checker import QuoteChecker, QuoteNotChecked

START = 1_790_000_000

_KILLED_NODE = """
import asyncio, os, signal
from phal2.node.sequencer.quote_checker import QuoteChecker

async def check_and_die():
    checker = QuoteChecker()
    await checker.check(b"no quote", b"{}", b"no root", 0)
    print(checker.process_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(check_and_die())
"""


async def test_a_quote_that_is_none_is_refused_by_the_worker() -> None:
    checker = QuoteChecker()
    try:
        verdict = await checker.check(b"no quote", b"{}", b"no root", 0)
    finally:
        await checker.close()

    assert isinstance(verdict, QuoteRefusal)


async def test_too_many_waiting_quotes_are_refused_and_the_others_checked() -> None:
    checker = QuoteChecker()
    simulated = simulate_quote(bytes(64), "gate", START)
    arguments = (simulated.quote[:-1], b"{}", b"", START)

    answers = await asyncio.gather(*(checker.check(*arguments) for _ in range(1_001)), return_exceptions=True)
    await checker.close()

    refused = [answer for answer in answers if isinstance(answer, QuoteNotChecked)]
    assert len(refused) == 1
    assert "1000 others wait already; try again" in str(refused[0])


async def test_a_worker_that_dies_is_replaced() -> None:
    checker = QuoteChecker()
    simulated = simulate_quote(bytes(64), "gate", START)
    arguments = (simulated.quote, simulated.collateral_json, b"no certificate", START)
    before = await checker.check(*arguments)
    assert checker.process_id is not None
    os.kill(checker.process_id, signal.SIGKILL)

    with pytest.raises(QuoteNotChecked, match="the worker process ended; try again"):
        await checker.check(*arguments)
    assert await checker.check(*arguments) == before
    await checker.close()


def test_the_worker_ends_with_a_killed_node(tmp_path: Path) -> None:
    script = tmp_path / "node.py"
    script.write_text(_KILLED_NODE)

    node = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)

    assert node.returncode == -signal.SIGKILL, node.stderr
    worker = int(node.stdout)
    deadline = time.monotonic() + 60
    while _is_alive(worker):
        assert time.monotonic() < deadline, f"the worker {worker} outlives its node"
        time.sleep(0.02)


def _is_alive(process_id: int) -> bool:
    """Tell whether a process runs; one that has ended but that nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
