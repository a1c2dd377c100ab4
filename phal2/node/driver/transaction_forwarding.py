"""A follower's way to the sequencer: what clients send it goes on to the endpoint of one that builds blocks.

The follower believes the endpoint nothing. It checks an envelope's form and signature itself, and holds what the
endpoint took in a pool of its own, for its clients to see and count nonces by, until a block has it or it has waited
too long.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from phal2.node.driver.l2_chain import L2Chain
from phal2.node.driver.pool_upkeep import drop_included, drop_overtaken, take_back
from phal2.node.l1.errors import EndpointError, EndpointRefused
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.sender_recovery import recover
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.protocol.transactions import BLOB
from phal2.node.sequencer.admission import MAXIMUM_TRANSACTION_BYTES, DepositNotSubmittable, OversizedTransaction
from phal2.node.sequencer.mempool import Mempool, PoolRefusal
from phal2.node.state.rules import block_rules
from phal2.node.state.transaction_errors import TransactionTypeNotSupported

log = logging.getLogger("phal2.forwarding")

ANSWER_SECONDS: Final = 10.0
"""How long the endpoint has to take a transaction, whose attestation it may have to verify."""

LONGEST_WAIT_SECONDS: Final = 3_600
"""How long a transaction is shown as pending: the sequencer may have lost it, and would tell nobody."""

_MAXIMUM_ANSWER_BYTES: Final = 64 * 1024
_KNOWN: Final = "already known"
"""What a sequencer of any kind says of a transaction that its pool has (geth's words)."""


class RefusedBySequencer(PoolRefusal):
    """The endpoint's own refusal, in its words."""


class BeingForwarded(PoolRefusal):
    """A transaction that is on its way to the endpoint already."""

    def __init__(self) -> None:
        super().__init__("the transaction is being handed on to the sequencer; wait for the first answer")


class NotForwarded(PoolRefusal):
    """The endpoint gave no answer that says whether it took the transaction. The log has the reason."""

    def __init__(self) -> None:
        # Which endpoint it is, and how it is reached, is the operator's business and not the client's.
        super().__init__(
            "the sequencer did not say whether it took the transaction; look for its receipt, or send it again"
        )


class TransactionForwarding:
    """Hands transactions on to a sequencer's endpoint. Use it on the event loop, and `close` it.

    `pool` has what the endpoint took, and what a reorganisation took from blocks, that no block of this node includes.
    """

    def __init__(self, url: str, chain: L2Chain, clock: Callable[[], float] = time.monotonic) -> None:
        """`chain` is this node's own. Raises `InvalidEndpointUrl`."""
        self.pool: Final = Mempool()
        self._endpoint = JsonRpcClient(url, ANSWER_SECONDS, _MAXIMUM_ANSWER_BYTES)
        self._chain = chain
        self._clock = clock
        self._under_way: set[bytes] = set()
        # When what is in the pool came there.
        self._taken_at: dict[bytes, float] = {}
        chain.on_new_head(self._drop_settled)
        chain.on_dropped(lambda hashes: take_back(self.pool, chain, hashes))

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def submit(self, raw: bytes) -> bytes:
        """Have the sequencer take an envelope, and return its hash; raise the `Phal2Error` that says why not."""
        if raw[:1] == bytes([BLOB]):
            # In the network form, which no L2 has a use for.
            head = self._chain.heads.unsafe
            raise TransactionTypeNotSupported(BLOB, block_rules(self._chain.rules, head.timestamp).transaction_types)
        if len(raw) > MAXIMUM_TRANSACTION_BYTES:
            raise OversizedTransaction(len(raw))
        return await self.admit(recover(raw))

    async def admit(self, recovered: RecoveredTransaction) -> bytes:
        """Have the sequencer take a transaction whose sender is known, and else do as `submit` does."""
        if isinstance(recovered.transaction, DepositTransaction):
            raise DepositNotSubmittable
        if recovered.hash in self._under_way:
            # Two followers that were given each other's URL would hand it on for ever.
            raise BeingForwarded
        self._under_way.add(recovered.hash)
        try:
            answer = await self._endpoint.call("eth_sendRawTransaction", "0x" + recovered.raw.hex())
        except EndpointRefused as error:
            if error.message.startswith(_KNOWN):
                # Its answer to an earlier attempt was lost.
                self._hold(recovered)
            raise RefusedBySequencer(error.message) from None
        except EndpointError as error:
            log.warning("a transaction was not handed on: %s", error)
            raise NotForwarded from None
        finally:
            self._under_way.discard(recovered.hash)
        if answer != "0x" + recovered.hash.hex():
            log.warning("%s: the answer to a transaction is not its hash", self._endpoint.url)
            raise NotForwarded
        self._hold(recovered)
        return recovered.hash

    def _hold(self, recovered: RecoveredTransaction) -> None:
        """Keep a transaction as pending, unless a block had it before the answer came."""
        account_nonce = self._chain.state_at_head().nonce(recovered.sender)
        transaction = recovered.transaction
        if isinstance(transaction, DepositTransaction) or transaction.nonce < account_nonce:
            return
        # The sequencer decides what is valid and what replaces what; a full pool here only shows less.
        with suppress(PoolRefusal):
            self.pool.add(recovered, account_nonce)
            self._taken_at[recovered.hash] = self._clock()

    def _drop_settled(self, head: bytes) -> None:
        if not self.pool:
            # Most of the time, and for all of the blocks by which a new follower catches up.
            self._taken_at.clear()
            return
        drop_included(self.pool, self._chain.block(head))
        drop_overtaken(self.pool, self._chain.store.senders(head) or (), self._chain.state_at_head().nonce)
        now = self._clock()
        # What a reorganisation has brought back, or the return to a snapshot, waits since now.
        self._taken_at = {pending.hash: self._taken_at.get(pending.hash, now) for pending in self.pool}
        for transaction_hash, taken_at in self._taken_at.items():
            if taken_at <= now - LONGEST_WAIT_SECONDS:
                self.pool.remove(transaction_hash)
