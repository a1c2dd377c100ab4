"""Admission to the pool: what can be told of a transaction before it is ordered, cheapest first (DESIGN section 4)."""

from typing import Final, Protocol

from phal2.node.attestation.dcap import QuoteVerdicts, verdict_key
from phal2.node.attestation.verification import quote_checks, verify_attestation
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.headers import Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.protocol.transactions import AttestedTransaction
from phal2.node.sequencer.mempool import Mempool, PoolRefusal
from phal2.node.sequencer.quote_checker import QuoteChecker
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.rules import ChainRules, block_rules
from phal2.node.state.validation import BlockRoom, validate_transaction
from phal2.node.state.world_state import WorldState

MAXIMUM_TRANSACTION_BYTES: Final = 128 * 1024
"""Longest envelope that the pool takes, as in geth; an attested transaction with the longest evidence fits."""

_MAXIMUM_BLOBS: Final = 9


class OversizedTransaction(PoolRefusal):
    """An envelope above the pool's limit."""

    def __init__(self, length: int) -> None:
        super().__init__(f"oversized data: transaction size {length}, limit {MAXIMUM_TRANSACTION_BYTES}")
        self.length = length


class DepositNotSubmittable(PoolRefusal):
    """A deposit sent to the pool: deposits come from L1 alone."""

    def __init__(self) -> None:
        super().__init__(
            "transaction type not supported: deposits (0x7e) come from the portal on L1, not from the pool"
        )


class ChainState(StateDatabase, BlockHashes, Protocol):
    """What admission reads of a chain: state by hash, and the hashes of earlier blocks."""


class Admission:
    """Takes envelopes into a pool after checking them on the state of the newest block. Use it on the event loop."""

    def __init__(self, mempool: Mempool, rules: ChainRules, verdicts: QuoteVerdicts, chain: ChainState) -> None:
        self._mempool = mempool
        self._rules = rules
        self._verdicts = verdicts
        self._chain = chain
        self._quote_checker = QuoteChecker()

    async def submit(self, raw: bytes, head: Header, environment: BlockEnvironment) -> bytes:
        """Take an envelope into the pool and return its hash.

        `head` is the newest block and `environment` that of the next one. Raises the `Phal2Error` that says what is
        wrong: of the encoding, of the transaction, of its attestation, or that the pool does not want it.
        """
        if len(raw) > MAXIMUM_TRANSACTION_BYTES:
            raise OversizedTransaction(len(raw))
        recovered = recover_transaction(raw)
        transaction = recovered.transaction
        if isinstance(transaction, DepositTransaction):
            raise DepositNotSubmittable
        world = WorldState(self._chain, head.state_root)
        account_nonce = world.nonce(recovered.sender)
        if transaction.nonce >= account_nonce:
            self._mempool.check_room(recovered, account_nonce)
            self._suppose_pool_executed(world, recovered.sender, transaction.nonce)
        scope = BlockScope(
            block_rules(self._rules, environment.timestamp), environment, world, self._chain, self._verdicts
        )
        validate_transaction(scope, recovered, transaction, BlockRoom(environment.gas_limit, _MAXIMUM_BLOBS))
        if isinstance(transaction, AttestedTransaction):
            await self._verify_attestation(transaction, recovered.sender, environment.timestamp, world)
        self._mempool.add(recovered, account_nonce)
        return recovered.hash

    async def close(self) -> None:
        """End the worker process, if there is one."""
        await self._quote_checker.close()

    def _suppose_pool_executed(self, world: WorldState, sender: bytes, nonce: int) -> None:
        """Change a throw-away state as the sender's other pooled transactions may: nonce used, balance spent."""
        world.set_nonce(sender, nonce)
        world.set_balance(sender, max(0, world.balance(sender) - self._mempool.pending_value(sender, nonce)))

    async def _verify_attestation(
        self, transaction: AttestedTransaction, sender: bytes, timestamp: int, world: WorldState
    ) -> None:
        view = StateAttestationView(world)
        for quote, collateral, root_der, time in quote_checks(transaction, sender, timestamp, view):
            key = verdict_key(quote, collateral, keccak256(root_der), time)
            if key not in self._verdicts:
                self._verdicts.remember(key, await self._quote_checker.check(quote, collateral, root_der, time))
        verify_attestation(transaction, sender, timestamp, view, self._verdicts)
