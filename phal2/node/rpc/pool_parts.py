"""The pool as clients see it: what could be in the next block, and what waits for something before it."""

from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.chain_service import ChainService


def pool_parts(chain: ChainService) -> tuple[list[RecoveredTransaction], list[RecoveredTransaction]]:
    """Return the pool's transactions that could be in the next block, and those that wait for an earlier nonce."""
    pending: list[RecoveredTransaction] = []
    queued: list[RecoveredTransaction] = []
    next_nonces: dict[bytes, int] = {}
    for recovered in chain.pending_transactions():
        sender = recovered.sender
        if sender not in next_nonces:
            next_nonces[sender] = chain.pending_nonce(sender)
        is_next = isinstance(recovered.transaction, DepositTransaction) or (
            recovered.transaction.nonce < next_nonces[sender]
        )
        (pending if is_next else queued).append(recovered)
    return pending, queued
