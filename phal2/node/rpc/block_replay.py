"""Executing a block again on its parent's state, transaction by transaction, to see what happened in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.headers import Block, Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import RecoveredTransaction, decode_transaction, recover_transaction
from phal2.node.rpc.block_environment import environment_of
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.tracers.recorder import TraceSize, TraceSubject
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.outcomes import TransactionOutcome
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import ChainRules, block_rules
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState
from phal2.node.storage import ChainStore


class AncestorHashes:
    """`BlockHashes` of a block's ancestors, which need not be canonical themselves."""

    def __init__(self, store: ChainStore, parent: Header, parent_hash: bytes) -> None:
        self._store = store
        self._hashes = {parent.number: parent_hash}
        self._oldest = parent

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the ancestor `number`."""
        known = self._hashes
        while number not in known and number < self._oldest.number:
            oldest = self._oldest
            if self._store.block_hash(oldest.number) == known[oldest.number]:
                return self._store.block_hash(number)
            known[oldest.number - 1] = oldest.parent_hash
            header = self._store.header(oldest.parent_hash)
            if header is None:
                break
            self._oldest = header
        return known.get(number)


@dataclass(frozen=True, slots=True)
class Replay:
    """A block with what it takes to execute it again; holds nothing of the event loop."""

    rules: ChainRules
    block: Block
    parent: Header
    transactions: tuple[RecoveredTransaction, ...]
    database: StateDatabase
    block_hashes: BlockHashes
    verdicts: QuoteVerdicts

    def begin(self) -> "ReplayedBlock":
        """Open the block as it is before its first transaction."""
        return ReplayedBlock(self)

    def subject(self, index: int, world: WorldState, logs_before: int, size: TraceSize) -> TraceSubject:
        """Return what a tracer is told of the transaction at `index` before it runs."""
        found, header = self.transactions[index], self.block.header
        rules = block_rules(self.rules, header.timestamp)
        return TraceSubject(
            world=world,
            rules=rules,
            precompiles=frozenset(precompiles_of(rules)),
            coinbase=header.coinbase,
            sender=found.sender,
            to=found.transaction.to,
            gas_limit=found.transaction.gas_limit,
            authorization_list=found.transaction.authorization_list,
            logs_before=logs_before,
            size=size,
            block_hash=self.block.hash,
            block_number=header.number,
            transaction_hash=found.hash,
            index=index,
        )


class ReplayedBlock:
    """A block under execution."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.execution = BlockExecution(
            replay.rules,
            environment_of(replay.block.header),
            replay.database,
            replay.parent.state_root,
            replay.block_hashes,
            replay.verdicts,
        )
        self._next = 0
        self._logs = 0
        self._size = TraceSize()

    def skip_to(self, index: int, checkpoint: Callable[[], None]) -> None:
        """Run the transactions before `index` without a tracer."""
        while self._next < index:
            checkpoint()
            self.apply(None)

    def subject(self) -> TraceSubject:
        """Return what a tracer is told of the next transaction."""
        return self._replay.subject(self._next, self.execution.state, self._logs, self._size)

    def apply(self, tracer: Tracer | None) -> TransactionOutcome:
        """Run the next transaction; raise `RpcError` where it may not be in the block."""
        try:
            outcome = self.execution.apply(self._replay.transactions[self._next], tracer)
        except InvalidTransaction as error:
            raise RpcError(SERVER_ERROR, f"tracing failed: transaction {self._next} is invalid: {error}") from None
        self._next += 1
        self._logs += len(outcome.receipt.logs)
        return outcome

    def remaining(self) -> Iterator[int]:
        """Yield the index of each transaction that is still to run, as long as `apply` is called in between."""
        while self._next < len(self._replay.transactions):
            yield self._next


def stored_replay(store: ChainStore, rules: ChainRules, verdicts: QuoteVerdicts, block_hash: bytes) -> Replay:
    """Return the replay of a stored block; raise `RpcError` where there is none to replay."""
    block = store.block(block_hash)
    if block is None:
        raise RpcError(SERVER_ERROR, f"block 0x{block_hash.hex()} not found")
    senders = store.senders(block_hash) or ()
    transactions = tuple(
        RecoveredTransaction(decode_transaction(envelope), envelope, keccak256(envelope), sender)
        for envelope, sender in zip(block.transactions, senders, strict=True)
    )
    return _replay(store, rules, verdicts, block, transactions)


def foreign_replay(store: ChainStore, rules: ChainRules, verdicts: QuoteVerdicts, block: Block) -> Replay:
    """Return the replay of a block that need not be stored, only its parent; raise `RpcError` where that is not."""
    return _replay(store, rules, verdicts, block, tuple(map(recover_transaction, block.transactions)))


def _replay(
    store: ChainStore,
    rules: ChainRules,
    verdicts: QuoteVerdicts,
    block: Block,
    transactions: tuple[RecoveredTransaction, ...],
) -> Replay:
    if block.header.number == 0:
        raise RpcError(SERVER_ERROR, "genesis is not traceable")
    parent_hash = block.header.parent_hash
    parent = store.header(parent_hash)
    if parent is None:
        raise RpcError(SERVER_ERROR, f"parent block 0x{parent_hash.hex()} not found")
    hashes = AncestorHashes(store, parent, parent_hash)
    return Replay(rules, block, parent, transactions, store, hashes, verdicts)
