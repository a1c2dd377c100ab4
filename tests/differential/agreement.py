"""Plays a scenario on both sides, and fails where they differ."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cast import CHAIN_ID, label
from envelopes import Surroundings, envelope, is_of_this_chain
from hypothesis import currently_in_test_context, event, note
from scenarios import BlockPlan, Scenario, TransactionPlan, shortened
from specification_chain import (
    Commitments,
    SpecificationBlock,
    account_line,
    header_fault,
    specification_state,
    touched_accounts,
)

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.errors import InvalidBlock, InvalidEncoding, InvalidTransaction
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import decode_receipt, encode_receipt
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import l1_environment
from phal2.node.state.genesis import genesis_state, l1_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules, Revision
from phal2.node.state.world_state import WorldState

RULES = L1Rules(CHAIN_ID, Revision.PRAGUE)
START_TIME = 1_750_000_000
RECURSION_LIMIT = 20_000


class Difference(AssertionError):
    """phal2 and the specification do not agree."""


class Chains:
    """The same chain on both sides: phal2's over a database, the specification's over its own state."""

    def __init__(self, scenario: Scenario) -> None:
        genesis = genesis_state(scenario.accounts)
        self.database = MemoryDatabase()
        self.database.add(genesis)
        self.state = specification_state(scenario.accounts)
        self.hashes = {number: keccak256(b"%d" % number) for number in range(scenario.parent_number)}
        self.head = _parent(scenario, l1_genesis_block(RULES, genesis, START_TIME, 0, 0).block.header)
        self.hashes[self.head.number] = header_hash(self.head)

    def play(self, plan: BlockPlan) -> ExecutedBlock | None:
        """Make the block on both sides; None where both find that it cannot be ended."""
        parent_hash = self.hashes[self.head.number]
        environment = l1_environment(
            RULES,
            self.head,
            parent_hash,
            self.head.timestamp + plan.seconds,
            plan.coinbase,
            plan.prev_randao,
            self.head.gas_limit + plan.gas_limit_change,
            plan.beacon_root,
        )
        recent = [self.hashes[number] for number in range(max(0, self.head.number - 255), self.head.number + 1)]
        specified = SpecificationBlock(self.state, environment, recent)
        execution = BlockExecution(
            RULES,
            environment,
            self.database,
            self.head.state_root,
            KnownBlockHashes(dict(self.hashes)),
            QuoteVerdicts(),
        )
        for index, transaction in enumerate(plan.transactions):
            surroundings = Surroundings(
                specified.nonce,
                specified.balance,
                environment.base_fee_per_gas,
                specified.blob_base_fee,
                specified.remaining_gas,
            )
            raw = envelope(transaction, surroundings)
            self._apply(f"block {environment.number}, transaction {index}", transaction, raw, execution, specified)
        world = execution.state
        commitments = specified.finish()
        try:
            executed = execution.seal()
        except InvalidBlock as error:
            if isinstance(commitments, Commitments):
                raise Difference(f"block {environment.number} cannot be ended by phal2 only: {error}") from error
            _count("block that cannot be ended")
            return None
        header = executed.block.header
        if isinstance(commitments, str):
            raise Difference(f"block {environment.number} cannot be ended by the specification only: {commitments}")
        if commitments != _commitments(header):
            raise Difference(
                f"block {environment.number}: phal2 {_commitments(header)}\nspecification {commitments}\n"
                + "\n".join(self._state_differences(world))
            )
        if fault := header_fault(self.head, header):
            raise Difference(f"block {environment.number}: the specification refuses the header: {fault} {header}")
        self.database.add(executed.state_update)
        self.head = header
        self.hashes[header.number] = executed.block.hash
        return executed

    def _apply(
        self,
        where: str,
        plan: TransactionPlan,
        raw: bytes,
        execution: BlockExecution,
        specified: SpecificationBlock,
    ) -> None:
        try:
            outcome = execution.apply(recover_transaction(raw))
        except (InvalidTransaction, InvalidEncoding) as error:
            ours: bytes | str = f"{type(error).__name__}: {error}"
        else:
            ours = encode_receipt(outcome.receipt)
            _count("succeeded" if outcome.error is None else outcome.error)
        if plan.kind and not is_of_this_chain(plan):
            # The specification does not look at the chain id of typed transactions; networks do.
            if isinstance(ours, bytes):
                raise Difference(f"{where}: phal2 accepts a transaction of chain {plan.chain_id}")
            return
        theirs = specified.apply(raw)
        _tell(f"{where}: {shortened(raw)}\n  phal2 {_outcome(ours)}\n  specification {_outcome(theirs)}")
        if isinstance(ours, str):
            _count(ours.split(":")[0])
        if isinstance(ours, str) and isinstance(theirs, str):
            return
        if ours != theirs:
            raise Difference(f"{where}: phal2 {_outcome(ours)}, specification {_outcome(theirs)}")

    def _state_differences(self, world: WorldState) -> list[str]:
        lines = []
        for address, slots in touched_accounts(self.state).items():
            theirs = account_line(self.state, address, slots)
            words = {slot: world.storage(address, slot) for slot in slots}
            ours = (
                f"nonce {world.nonce(address)} balance {world.balance(address)} "
                f"code {world.code(address).hex()} storage {words}"
                if world.exists(address)
                else None
            )
            if ours != theirs:
                lines.append(f"{label(address)}:\n  phal2 {ours}\n  specification {theirs}")
        return lines or ["the accounts that the specification has are the same: phal2 has others, or other storage"]


def assert_agreement(scenario: Scenario) -> tuple[Header, list[ExecutedBlock]]:
    """Play all blocks and return their first parent and them; raise `Difference` where the two sides do not agree."""
    blocks = []
    with deep_recursion():
        chains = Chains(scenario)
        parent = chains.head
        for plan in scenario.blocks:
            block = chains.play(plan)
            if block is None:
                break
            blocks.append(block)
    return parent, blocks


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Make room for 1,024 nested calls in Python; Hypothesis wants its own limit back afterwards."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _parent(scenario: Scenario, genesis: Header) -> Header:
    return replace(
        genesis,
        parent_hash=keccak256(b"%d" % (scenario.parent_number - 1)) if scenario.parent_number else bytes(32),
        number=scenario.parent_number,
        gas_limit=scenario.gas_limit,
        gas_used=scenario.parent_gas_used,
        base_fee_per_gas=scenario.base_fee_per_gas,
        excess_blob_gas=scenario.parent_excess_blob_gas,
        blob_gas_used=scenario.parent_blobs * GAS_PER_BLOB,
    )


def _commitments(header: Header) -> Commitments:
    return Commitments(
        gas_used=header.gas_used,
        blob_gas_used=header.blob_gas_used or 0,
        state_root=header.state_root,
        transactions_root=header.transactions_root,
        receipts_root=header.receipts_root,
        withdrawals_root=header.withdrawals_root or b"",
        bloom=header.bloom,
        requests_hash=header.requests_hash or b"",
    )


def _tell(text: str) -> None:
    """Show `text` with the test's failure."""
    (note if currently_in_test_context() else print)(text)


def _count(what: str) -> None:
    """Count what happened in Hypothesis's statistics."""
    if currently_in_test_context():
        event(what)


def _outcome(outcome: bytes | str) -> str:
    if isinstance(outcome, str):
        return f"refuses it ({outcome})"
    receipt = decode_receipt(outcome)
    logs = [f"{label(log.address)} {[t.hex() for t in log.topics]} {log.data.hex()}" for log in receipt.logs]
    return f"gives status {receipt.status}, cumulative gas {receipt.cumulative_gas_used}, logs {logs}"
