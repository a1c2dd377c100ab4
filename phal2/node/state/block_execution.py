"""One block, from its environment to its hash: the system calls before the transactions, the transactions, the seal."""

from collections.abc import Iterable

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.receipts import Receipt, logs_bloom
from phal2.node.protocol.transaction_codec import RecoveredTransaction, Transaction
from phal2.node.state.blobs import blob_schedule
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.create2_deployer import install_create2_deployer
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.deposit_execution import apply_deposit
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.ordered_roots import RootCrew
from phal2.node.state.outcomes import ExecutedBlock, TransactionOutcome
from phal2.node.state.rules import ChainRules, Revision, block_rules
from phal2.node.state.sealing import BlockContent, seal_block
from phal2.node.state.system_calls import call_before_transactions
from phal2.node.state.tracing import Tracer
from phal2.node.state.transaction_execution import AppliedTransaction, apply_signed_transaction
from phal2.node.state.trie import TrieReader
from phal2.node.state.validation import BlockRoom
from phal2.node.state.world_state import WorldState

__all__ = ["BlockExecution", "ExecutedBlock", "TransactionOutcome", "apply_block"]


class BlockExecution:
    """A block under construction over its parent's state.

    The system calls before the transactions run on construction. `apply` adds one transaction after the other; `seal`
    ends the block and may be called once. A `reader` that was used for the parent saves reading its nodes again, and
    a `root_crew` helps with the seal.
    """

    def __init__(
        self,
        rules: ChainRules,
        environment: BlockEnvironment,
        database: StateDatabase,
        parent_state_root: bytes,
        block_hashes: BlockHashes,
        verdicts: QuoteVerdicts,
        reader: TrieReader | None = None,
        root_crew: RootCrew | None = None,
    ) -> None:
        resolved = block_rules(rules, environment.timestamp)
        self._world = WorldState(database, parent_state_root, reader, environment.parent_hash)
        self._scope = BlockScope(resolved, environment, self._world, block_hashes, verdicts)
        self._root_crew = root_crew
        self._gas_used = 0
        self._blobs = 0
        self._transactions: list[RecoveredTransaction] = []
        self._receipts: list[Receipt] = []
        self._attestations: dict[int, VerifiedAttestation] = {}
        has_blobs = resolved.l2_fork is None and resolved.revision >= Revision.CANCUN
        self._maximum_blobs = blob_schedule(resolved.revision).maximum if has_blobs else 0
        install_create2_deployer(rules, environment, self._world)
        call_before_transactions(self._scope)

    @property
    def gas_used(self) -> int:
        """Gas that the transactions so far have used."""
        return self._gas_used

    @property
    def remaining_gas(self) -> int:
        """Gas that is left for further transactions."""
        return self._scope.environment.gas_limit - self._gas_used

    def has_room_for_blobs(self, transaction: Transaction) -> bool:
        """Tell whether the block has room for a transaction's blobs, and the transaction pays their price in it."""
        return (
            len(transaction.blob_versioned_hashes) <= self._maximum_blobs - self._blobs
            and transaction.max_fee_per_blob_gas >= self._scope.blob_base_fee
        )

    @property
    def state(self) -> WorldState:
        """The state after the transactions so far. Read it, and leave changes to `apply`."""
        return self._world

    def apply(self, transaction: RecoveredTransaction, tracer: Tracer | None = None) -> TransactionOutcome:
        """Add a transaction; raise an `InvalidTransaction`, with the state untouched, where it may not be there.

        A `tracer` is told of what its message does. Where the tracer ends it by raising, the block is of no use.
        """
        self._scope.tracer = tracer
        room = BlockRoom(self.remaining_gas, self._maximum_blobs - self._blobs)
        signed = transaction.transaction
        if isinstance(signed, DepositTransaction):
            applied = apply_deposit(self._scope, signed, room)
        else:
            applied = apply_signed_transaction(self._scope, transaction, signed, room)
        self._scope.tracer = None
        self._gas_used += applied.gas_used
        self._blobs += len(signed.blob_versioned_hashes)
        receipt = _receipt(signed.transaction_type, applied, self._gas_used)
        if applied.attestation is not None:
            self._attestations[len(self._transactions)] = applied.attestation
        self._transactions.append(transaction)
        self._receipts.append(receipt)
        return TransactionOutcome(
            receipt=receipt,
            gas_used=applied.gas_used,
            effective_gas_price=applied.effective_gas_price,
            contract_address=applied.contract_address,
            return_data=applied.output,
            error=applied.error,
            attestation=applied.attestation,
        )

    def seal(self) -> ExecutedBlock:
        """End the block: compute its roots, its header and its hash."""
        content = BlockContent(
            tuple(self._transactions), tuple(self._receipts), self._attestations, self._gas_used, self._blobs
        )
        return seal_block(self._scope, content, self._root_crew)


def apply_block(
    rules: ChainRules,
    environment: BlockEnvironment,
    transactions: Iterable[RecoveredTransaction],
    database: StateDatabase,
    parent_state_root: bytes,
    block_hashes: BlockHashes,
    verdicts: QuoteVerdicts,
) -> ExecutedBlock:
    """Execute a whole block; raise an `InvalidTransaction` where one of its transactions may not be in it."""
    execution = BlockExecution(rules, environment, database, parent_state_root, block_hashes, verdicts)
    for transaction in transactions:
        execution.apply(transaction)
    return execution.seal()


def _receipt(transaction_type: int, applied: AppliedTransaction, cumulative_gas_used: int) -> Receipt:
    return Receipt(
        transaction_type=transaction_type,
        status=1 if applied.error is None else 0,
        cumulative_gas_used=cumulative_gas_used,
        bloom=logs_bloom(applied.logs),
        logs=applied.logs,
        deposit_nonce=applied.deposit_nonce,
        deposit_receipt_version=applied.deposit_receipt_version,
    )
