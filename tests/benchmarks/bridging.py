"""Measures how long the bridge of a devnet takes, from L1 to L2 and back, on the embedded L1 and on anvil."""

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.anvil import anvil_program
from benchmarks.npm_programs import ProgramMissing
from benchmarks.report import FULL, Row, Scale, Section
from phal2.bridge.chain_access.transactions import ContractFunction, send
from phal2.bridge.command.finishing import finalize_when_ready, prove_when_ready
from phal2.bridge.deposits.arrival import wait_for_arrival
from phal2.bridge.deposits.deposit import portal_deposit
from phal2.bridge.rollup_contracts import find_contracts, source_from_contracts
from phal2.bridge.withdrawals.initiated import initiated_withdrawals
from phal2.bridge.withdrawals.steps import Bridge
from phal2.devnet.process import DevnetProcess
from phal2.node.l1.client import L1Client
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER

_ROUNDS: Final = 3
_SECONDS: Final = 120.0


def measure_bridging(scale: Scale) -> Section:
    """Deposit and withdraw ETH a few times, one after the other, on each L1 that can be had."""
    rounds = _ROUNDS if scale == FULL else 1
    rows = [*_rows("embedded L1", (), rounds)]
    try:
        rows += _rows("anvil", ("--l1", "anvil", "--anvil", str(anvil_program())), rounds)
    except ProgramMissing as missing:
        rows.append(Row("anvil", None, "s", str(missing)))
    return Section("The bridge of a devnet with its default block times and delays, in seconds (median)", tuple(rows))


def _rows(name: str, options: Sequence[str], rounds: int) -> list[Row]:
    with DevnetProcess.start(*options) as devnet:
        deposits, withdrawals = asyncio.run(_measure(devnet, rounds))
    note = f"{rounds} rounds"
    return [
        Row(f"{name}: from a deposit on L1 to its balance on L2", median(deposits), "s", note),
        Row(f"{name}: from a withdrawal on L2 to its delivery on L1", median(withdrawals), "s", note, 20, at_most=True),
    ]


async def _measure(devnet: DevnetProcess, rounds: int) -> tuple[list[float], list[float]]:
    l1, l2 = L1Client(devnet.l1.url), L1Client(devnet.l2.url)
    try:
        contracts = await find_contracts(l1, l2, source_from_contracts(devnet.description))
        bridge = Bridge(l1, l2, contracts, bytes.fromhex(devnet.accounts[3]["privateKey"][2:]))
        # The first withdrawal waits for the prover, too, which begins some seconds after the devnet is up.
        await _withdrawal(bridge)
        return (
            [await _deposit(bridge) for _ in range(rounds)],
            [await _withdrawal(bridge) for _ in range(rounds)],
        )
    finally:
        await l1.close()
        await l2.close()


async def _deposit(bridge: Bridge) -> float:
    began = time.perf_counter()
    mined = await send(bridge.l1, bridge.private_key, portal_deposit(bridge.contracts, bridge.sender, 1))
    await wait_for_arrival(bridge.l1, bridge.l2, bridge.contracts.portal, mined.hash, lambda _: None, _SECONDS)
    return time.perf_counter() - began


async def _withdrawal(bridge: Bridge) -> float:
    began = time.perf_counter()
    arguments = (bridge.sender, 21_000, b"")
    mined = await send(
        bridge.l2,
        bridge.private_key,
        ContractFunction("L2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER, "initiateWithdrawal", arguments, value=1),
    )
    (initiated,) = await initiated_withdrawals(bridge.l2, mined.hash)
    await prove_when_ready(bridge, initiated)
    await finalize_when_ready(bridge, initiated)
    return time.perf_counter() - began
