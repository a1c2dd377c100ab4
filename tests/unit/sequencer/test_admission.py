"""Admission to the pool while the chain goes on: attestations take their time to check."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.rollup import devnet_rollup
from phal2.devnet.settings import ETHER, DevnetSettings
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.building import Call, quote_attestation, sign_attested, statement_for
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.errors import QuoteRefused, ReportDataMismatch
from phal2.node.attestation.statement import report_data_of
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.headers import Header
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.sequencer.admission import Admission, TooManyChecks
from phal2.node.sequencer.mempool import Mempool, NonceGap
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.environment import BlockEnvironment, l2_environment
from phal2.node.state.rules import L2Rules
from phal2.node.state.transaction_errors import NonceTooLow
from phal2.node.storage import ChainStore

START = 1_790_000_000
KEY = b"\x11" * 32
SENDER = address_of_private_key(KEY)
ROOTS = 2
"""The devnet's policy trusts Intel's root and the simulator's."""


@dataclass
class Node:
    """The store, the pool and the admission of a devnet's L2, of which each block is sealed by the test."""

    store: ChainStore
    rules: L2Rules
    pool: Mempool
    verdicts: QuoteVerdicts
    admission: Admission

    @property
    def head(self) -> Header:
        header = self.store.header(self.store.head().hash)
        assert header is not None
        return header

    @property
    def environment(self) -> BlockEnvironment:
        attributes = PayloadAttributes(
            timestamp=self.head.timestamp + 1,
            prev_randao=bytes(32),
            fee_recipient=bytes(20),
            parent_beacon_block_root=bytes(32),
            transactions=(),
            no_tx_pool=False,
            gas_limit=30_000_000,
            eip1559_denominator=250,
            eip1559_elasticity=6,
        )
        return l2_environment(self.rules, self.head, self.store.head().hash, attributes)

    def seal(self, *raws: bytes) -> None:
        execution = BlockExecution(
            self.rules, self.environment, self.store, self.head.state_root, self.store, self.verdicts
        )
        for raw in raws:
            execution.apply(recover_transaction(raw))
            self.pool.remove(recover_transaction(raw).hash)
        self.store.write_block(execution.seal())

    def submitting(self, raw: bytes) -> "asyncio.Task[bytes]":
        return asyncio.ensure_future(self.admission.submit(raw, self.head, self.environment))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    l1_start = L1BlockRef(hash=b"\x01" * 32, number=0, parent_hash=bytes(32), timestamp=START)
    contracts = planned_l1_contracts(SENDER)
    rollup = devnet_rollup(DevnetSettings(), {SENDER: 100 * ETHER}, SENDER, contracts, l1_start)
    store = ChainStore.open(tmp_path / "chain", rollup.genesis_block, rollup.config.l2_chain_id)
    rules, pool, verdicts = L2Rules(rollup.config), Mempool(), QuoteVerdicts()
    admission = Admission(pool, rules, verdicts, store)
    yield Node(store, rules, pool, verdicts, admission)
    await admission.close()
    store.close()


def quoted(nonce: int, *, broken: bool = False, workload: str = "gate") -> bytes:
    call = Call(20350, nonce, ATTESTATION_CONTEXT, 0, b"", 1_000_000, 0, 10**10)
    report_data = report_data_of(statement_for(call, SENDER, START + 600))
    simulated = simulate_quote(report_data, workload, START)
    quote = simulated.quote[:700] + bytes(1) + simulated.quote[701:] if broken else simulated.quote
    return sign_attested(call, quote_attestation(quote, simulated.collateral_json, START + 600), KEY)


async def test_a_block_that_is_sealed_during_the_check_makes_no_nonce_gap(node: Node) -> None:
    first, second = quoted(0), quoted(1)
    await node.submitting(first)
    submitting = node.submitting(second)
    await asyncio.sleep(0)

    node.seal(first)

    assert await submitting in node.pool


async def test_a_nonce_that_is_used_during_the_check_is_too_low(node: Node) -> None:
    submitting = node.submitting(quoted(0, workload="slow"))
    await asyncio.sleep(0)

    node.seal(quoted(0))

    with pytest.raises(NonceTooLow):
        await submitting
    assert len(node.pool) == 0


async def test_a_sender_has_four_attestations_checked_at_once(node: Node) -> None:
    raws = [quoted(0, workload=f"number {number}") for number in range(5)]
    *taken, fifth = [node.submitting(raw) for raw in raws]

    with pytest.raises(TooManyChecks, match="4 attestations of this sender are being checked"):
        await fifth
    answers = await asyncio.gather(*taken, return_exceptions=True)
    assert [isinstance(answer, bytes) for answer in answers] == [True, False, False, False]
    assert len(node.pool) == 1


async def test_cheap_checks_come_before_the_quotes(node: Node) -> None:
    moved = recover_transaction(quoted(0)).transaction
    call = Call(20350, 0, ATTESTATION_CONTEXT, 1, b"", 1_000_000, 0, 10**10)

    with pytest.raises(ReportDataMismatch):
        await node.submitting(sign_attested(call, moved.attestation, KEY))
    with pytest.raises(NonceGap):
        await node.submitting(quoted(3))
    assert len(node.verdicts) == 0


async def test_verdicts_are_kept_for_the_block(node: Node) -> None:
    broken = quoted(0, broken=True)

    for _ in range(2):
        with pytest.raises(QuoteRefused):
            await node.submitting(broken)

    assert len(node.verdicts) == ROOTS
