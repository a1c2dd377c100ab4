"""Admission to the pool: what can be told of a transaction before it is ordered, cheapest first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

from phal2.node.attestation.dcap import QuoteVerdicts, verdict_key
from phal2.node.attestation.verification import quote_checks, verify_attestation
from phal2.node.protocol.blob_sidecars import (
    BYTES_PER_BLOB,
    BYTES_PER_COMMITMENT,
    BYTES_PER_PROOF,
    BlobSidecar,
    MalformedSidecar,
    decode_network_form,
    require_named,
)
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.headers import Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.sender_recovery import recover
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import BLOB, AttestedTransaction, SignedTransaction
from phal2.node.sequencer.mempool import Mempool, PoolRefusal
from phal2.node.sequencer.quote_checker import QuoteChecker
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.rules import ChainRules, block_rules
from phal2.node.state.transaction_errors import NonceTooLow, TransactionTypeNotSupported
from phal2.node.state.trie import TrieReader
from phal2.node.state.validation import BlockRoom, validate_transaction
from phal2.node.state.world_state import WorldState

MAXIMUM_TRANSACTION_BYTES: Final = 128 * 1024
"""Longest envelope that the pool takes, as in geth; an attested transaction with the longest evidence fits."""

MOST_CHECKS_PER_SENDER: Final = 4
"""Attestations of one sender that may be under examination at once, so that nobody keeps all others waiting."""

_MAXIMUM_BLOBS: Final = 9

MAXIMUM_NETWORK_FORM_BYTES: Final = 2 * _MAXIMUM_BLOBS * (BYTES_PER_BLOB + BYTES_PER_COMMITMENT + BYTES_PER_PROOF)
"""Longest blob transaction with its sidecars that is looked at: one with some blobs too many is told how many."""


class OversizedTransaction(PoolRefusal):
    """An envelope above the pool's limit."""

    def __init__(self, length: int, limit: int = MAXIMUM_TRANSACTION_BYTES) -> None:
        super().__init__(f"oversized data: transaction size {length}, limit {limit}")
        self.length = length
        self.limit = limit


class DepositNotSubmittable(PoolRefusal):
    """A deposit sent to the pool: deposits come from L1 alone."""

    def __init__(self) -> None:
        super().__init__(
            "transaction type not supported: deposits (0x7e) come from the portal on L1, not from the pool"
        )


class ExceedsBlockGasLimit(PoolRefusal):
    """A gas limit that no block has room for, as long as the blocks' own limit stays."""

    def __init__(self, gas_limit: int, block_gas_limit: int) -> None:
        # "exceeds block gas limit" is geth's pool's, "gas limit reached" what viem knows the case by.
        super().__init__(
            f"exceeds block gas limit: tx gas limit {gas_limit}, block gas limit reached at {block_gas_limit}"
        )
        self.gas_limit = gas_limit
        self.block_gas_limit = block_gas_limit


class TooManyChecks(PoolRefusal):
    """A sender whose earlier attestations are still being checked."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} attestations of this sender are being checked, the limit; wait for the answers")
        self.count = count


class Chain(StateDatabase, BlockHashes, Protocol):
    """What admission reads of a chain: its head, state by hash, and the hashes of earlier blocks."""

    @property
    def reader(self) -> TrieReader:
        """The reader of the newest states."""
        ...

    def head(self) -> BlockId:
        """Return the newest block."""
        ...

    def header(self, block_hash: bytes) -> Header | None:
        """Return the header of a stored block."""
        ...


class SidecarChecker(Protocol):
    """Checks blobs against their KZG commitments."""

    async def verify(self, sidecars: Sequence[BlobSidecar], /) -> tuple[BlobSidecar, ...]:
        """Return them with a proof each; raise a `Phal2Error` where a proof does not hold."""
        ...


class Admission:
    """Takes envelopes into a pool after checking them on the state of the newest block. Use it on the event loop."""

    def __init__(
        self,
        mempool: Mempool,
        rules: ChainRules,
        verdicts: QuoteVerdicts,
        chain: Chain,
        sidecar_checker: SidecarChecker | None = None,
    ) -> None:
        """Blob transactions, where the rules have them, come with sidecars, which `sidecar_checker` checks."""
        self._mempool = mempool
        self._sidecar_checker = sidecar_checker
        self._rules = rules
        self._verdicts = verdicts
        self._chain = chain
        self._quote_checker = QuoteChecker()
        self._checking: Counter[bytes] = Counter()
        self._scope: BlockScope | None = None
        self._state_location: int | None = None

    async def submit(self, raw: bytes, head: Header, environment: BlockEnvironment) -> bytes:
        """Take an envelope into the pool and return its hash.

        `head` is the newest block and `environment` that of the next one. Raises the `Phal2Error` that says what is
        wrong: of the encoding, of the transaction, of its attestation, or that the pool does not want it.
        """
        if raw[:1] == bytes([BLOB]):
            return await self.admit(self._recover_with_blobs(raw, environment.timestamp), head, environment)
        if len(raw) > MAXIMUM_TRANSACTION_BYTES:
            raise OversizedTransaction(len(raw))
        return await self.admit(recover(raw), head, environment)

    def _recover_with_blobs(self, raw: bytes, timestamp: int) -> RecoveredTransaction:
        """Return the blob transaction of a network form, whose proofs are not yet checked."""
        if self._sidecar_checker is None:
            raise TransactionTypeNotSupported(BLOB, block_rules(self._rules, timestamp).transaction_types)
        if len(raw) > MAXIMUM_NETWORK_FORM_BYTES:
            raise OversizedTransaction(len(raw), MAXIMUM_NETWORK_FORM_BYTES)
        envelope, sidecars = decode_network_form(raw)
        if len(envelope) > MAXIMUM_TRANSACTION_BYTES:
            raise OversizedTransaction(len(envelope))
        recovered = replace(recover(envelope), sidecars=sidecars)
        require_named(recovered.transaction.blob_versioned_hashes, sidecars)
        return recovered

    async def admit(self, recovered: RecoveredTransaction, head: Header, environment: BlockEnvironment) -> bytes:
        """Take a transaction into the pool whose sender is known, and else do as `submit` does."""
        transaction = recovered.transaction
        if isinstance(transaction, DepositTransaction):
            raise DepositNotSubmittable
        account_nonce = self._validate(recovered, transaction, self._scope_of(head, environment))
        if isinstance(transaction, AttestedTransaction):
            world = WorldState(self._chain, head.state_root, self._chain.reader)
            await self._verify_attestation(transaction, recovered.sender, environment.timestamp, world)
        elif transaction.transaction_type == BLOB and self._sidecar_checker is not None:
            if not recovered.sidecars:
                raise MalformedSidecar("blob transaction without its sidecar: send it raw, in the network form")
            recovered = replace(recovered, sidecars=await self._sidecar_checker.verify(recovered.sidecars))
        else:
            self._mempool.add(recovered, account_nonce)
            return recovered.hash
        account_nonce = self._present_nonce(recovered.sender, account_nonce)
        if transaction.nonce < account_nonce:
            raise NonceTooLow(account_nonce, transaction.nonce)
        self._mempool.add(recovered, account_nonce)
        return recovered.hash

    async def close(self) -> None:
        """End the worker process, if there is one."""
        await self._quote_checker.close()

    def _scope_of(self, head: Header, environment: BlockEnvironment) -> BlockScope:
        """Return the next block's scope, which is kept until the head, its state or the environment is another."""
        scope, location = self._scope, self._chain.state_location(head.state_root)
        if scope is None or scope.environment != environment or location != self._state_location:
            self._state_location = location
            rules, world = (
                block_rules(self._rules, environment.timestamp),
                WorldState(self._chain, head.state_root, self._chain.reader),
            )
            scope = self._scope = BlockScope(rules, environment, world, self._chain, self._verdicts)
        return scope

    def _validate(self, recovered: RecoveredTransaction, transaction: SignedTransaction, scope: BlockScope) -> int:
        """Check a transaction as if the sender's other pooled ones were executed; return the account's nonce."""
        block_gas_limit = scope.environment.gas_limit
        if transaction.gas_limit > block_gas_limit:
            raise ExceedsBlockGasLimit(transaction.gas_limit, block_gas_limit)
        world, sender, nonce = scope.world, recovered.sender, transaction.nonce
        account_nonce = world.nonce(sender)
        before = world.snapshot()
        try:
            if nonce >= account_nonce:
                self._mempool.check_room(recovered, account_nonce)
                world.set_nonce(sender, nonce)
                world.set_balance(sender, max(0, world.balance(sender) - self._mempool.pending_value(sender, nonce)))
            room = BlockRoom(block_gas_limit, _MAXIMUM_BLOBS)
            validate_transaction(scope, recovered, transaction, room)
        finally:
            world.revert(before)
        return account_nonce

    def _present_nonce(self, sender: bytes, nonce_before: int) -> int:
        """Return the sender's next nonce again: blocks may have been sealed while a quote was being checked."""
        header = self._chain.header(self._chain.head().hash)
        return (
            nonce_before
            if header is None
            else WorldState(self._chain, header.state_root, self._chain.reader).nonce(sender)
        )

    async def _verify_attestation(
        self, transaction: AttestedTransaction, sender: bytes, timestamp: int, world: WorldState
    ) -> None:
        view = StateAttestationView(world)
        with self._counted(sender):
            for quote, collateral, root_der, time in quote_checks(transaction, sender, timestamp, view):
                key = verdict_key(quote, collateral, keccak256(root_der), time)
                if key not in self._verdicts:
                    self._verdicts.remember(key, await self._quote_checker.check(quote, collateral, root_der, time))
        verify_attestation(transaction, sender, timestamp, view, self._verdicts)

    @contextmanager
    def _counted(self, sender: bytes) -> Iterator[None]:
        """Count one more attestation of the sender that is being checked; raise `TooManyChecks` above the limit."""
        if self._checking[sender] >= MOST_CHECKS_PER_SENDER:
            raise TooManyChecks(self._checking[sender])
        self._checking[sender] += 1
        try:
            yield
        finally:
            self._checking[sender] -= 1
            if not self._checking[sender]:
                del self._checking[sender]
