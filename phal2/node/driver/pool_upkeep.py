"""Keeps the pool in step with the chain: blocks that come, and blocks that a reorganisation takes away."""

import contextlib
from collections.abc import Callable, Iterable, Sequence

from phal2.node.driver.l2_chain import L2Chain
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.headers import Block
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import RecoveredTransaction, decode_transaction
from phal2.node.protocol.transactions import DEPOSIT
from phal2.node.sequencer.mempool import Mempool, PoolRefusal


def drop_included(pool: Mempool, block: Block) -> None:
    """Drop what a new head includes, and what can be in no later block because its attestation has expired."""
    for raw in block.transactions:
        pool.remove(keccak256(raw))
    pool.drop_expired(block.header.timestamp)


def drop_overtaken(pool: Mempool, senders: Iterable[bytes], account_nonce: Callable[[bytes], int]) -> None:
    """Drop the transactions of `senders` whose nonce others have used; `account_nonce` reads the head's state."""
    for sender in set(pool.senders()).intersection(senders):
        pool.drop_used_nonces(sender, account_nonce(sender))


def is_executable(pool: Mempool, transaction_hash: bytes, account_nonce: Callable[[bytes], int]) -> bool:
    """Tell whether a transaction is in the pool and waits for no other one; `account_nonce` reads the head's state."""
    pooled = pool.get(transaction_hash)
    if pooled is None or isinstance(pooled.transaction, DepositTransaction):
        return False
    return pooled.transaction.nonce < pool.next_nonce(pooled.sender, account_nonce(pooled.sender))


def take_back(pool: Mempool, chain: L2Chain, dropped: Sequence[bytes]) -> None:
    """Put the transactions of blocks that are no longer canonical back into the pool, as far as it takes them.

    Those that the new chain includes, too, leave the pool again with its blocks, or when their turn comes.
    """
    state = chain.state_at_head()
    for block_hash in dropped:
        transactions, senders = chain.block(block_hash).transactions, chain.store.senders(block_hash) or ()
        for raw, sender in zip(transactions, senders, strict=False):
            if raw[0] == DEPOSIT:
                continue
            recovered = RecoveredTransaction(decode_transaction(raw), raw, keccak256(raw), sender)
            with contextlib.suppress(PoolRefusal):
                pool.add(recovered, state.nonce(sender))
