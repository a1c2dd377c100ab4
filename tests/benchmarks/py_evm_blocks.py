"""Measures stock py-evm on the same transactions over the same accounts: its mining chain in memory, Prague rules."""

import gc
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH, EMPTY_UNCLE_HASH, GENESIS_PARENT_HASH, ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_typing import BlockNumber, Hash32

from benchmarks.accounts import TOKEN, Workload, population
from benchmarks.chain import BLOCK_GAS_LIMIT, CHAIN_ID, funded_accounts, token_account
from benchmarks.report import MeasurementFailed, Row, Scale, Section
from phal2.node.state.database import StateUpdate
from phal2.node.state.genesis import genesis_state
from phal2.node.state.trie_records import bare_nodes

_START = 1_700_000_000


def measure_py_evm(scale: Scale) -> Section:
    """Mine blocks of transfers, then of token transfers."""
    people = population(scale.accounts, scale.senders)
    work = Workload(CHAIN_ID, people)
    chain = _chain(genesis_state({**funded_accounts(people), TOKEN: token_account(people)}))
    count = scale.py_evm_transactions
    transfers = [_mine(chain, work.transfers(count)) for _ in range(scale.blocks)]
    tokens = [_mine(chain, work.token_transfers(count)) for _ in range(scale.blocks)]
    return Section(
        f"Stock py-evm in process: blocks of {count:,} over {scale.accounts:,} accounts, in memory",
        (_row("ETH transfers", transfers), _row("ERC-20 transfers", tokens)),
    )


def _chain(state: StateUpdate) -> Any:
    """Return a chain whose genesis has the state; its nodes go into the database as they are, which saves minutes."""
    database = AtomicDB()
    for key, value in (*bare_nodes(state.records).items(), *state.codes.items()):
        database[key] = value
    genesis = PragueBlockHeader(
        parent_hash=GENESIS_PARENT_HASH,
        uncles_hash=EMPTY_UNCLE_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=Hash32(state.state_root),
        transaction_root=BLANK_ROOT_HASH,
        receipt_root=BLANK_ROOT_HASH,
        difficulty=0,
        block_number=BlockNumber(0),
        gas_limit=BLOCK_GAS_LIMIT,
        timestamp=_START,
        mix_hash=ZERO_HASH32,
        base_fee_per_gas=10**9,
    )
    chain_class: Any = type(
        "BenchmarkChain", (MiningChain,), {"vm_configuration": ((0, PragueVM),), "chain_id": CHAIN_ID}
    )
    return chain_class.from_genesis_header(database, genesis)


def _mine(chain: Any, envelopes: Sequence[bytes]) -> float:
    """Mine a block of the envelopes and return its transactions a second."""
    builder = chain.get_vm().get_transaction_builder()
    gc.collect()
    began = time.perf_counter()
    mined, receipts, _ = chain.mine_all([builder.decode(raw) for raw in envelopes])
    seconds = time.perf_counter() - began
    if any(receipt.state_root != b"\x01" for receipt in receipts) or len(mined.imported_block.transactions) != len(
        envelopes
    ):
        raise MeasurementFailed("py-evm did not execute all of the transactions")
    return len(envelopes) / seconds


def _row(name: str, rates: Sequence[float]) -> Row:
    return Row(name, median(rates), "tx/s", "median of the blocks: " + ", ".join(f"{rate:,.0f}" for rate in rates))
