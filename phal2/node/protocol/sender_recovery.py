"""Recovering the senders of transactions: once for each envelope, and many at a time on all cores.

A signature is the dearest part of a plain transfer. libsecp256k1 gives the interpreter's lock free while it works, so
threads share the work of a block; and what one part of the process has recovered (admission to the pool, the sequencer,
a follower beside it) is not recovered again by another.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import recover_address
from phal2.node.protocol.transaction_codec import (
    RecoveredTransaction,
    Transaction,
    decode_transaction,
    envelope_signing_hash,
    recover_transaction,
)

LONGEST_REMEMBERED: Final = 1024
"""Longer envelopes, in bytes, are recovered anew, which bounds the memory that others can make this process hold."""

_REMEMBERED: Final = 32_768
_CHUNK: Final = 64

_young: dict[bytes, RecoveredTransaction] = {}
_old: dict[bytes, RecoveredTransaction] = {}


def recover(raw: bytes) -> RecoveredTransaction:
    """Return the transaction of an envelope with its sender; raise `RlpError` or `InvalidSignature`."""
    return _recall(raw) or _remember(recover_transaction(raw))


def recover_all(envelopes: Sequence[bytes]) -> list[RecoveredTransaction]:
    """Return the transactions of many envelopes; raise the error of the first that is wrong."""
    found = [_recall(raw) for raw in envelopes]
    unknown = [index for index, recovered in enumerate(found) if recovered is None]
    if len(unknown) < 2 * _CHUNK:
        return [known or recover(raw) for known, raw in zip(found, envelopes, strict=True)]
    # Decoding needs the interpreter's lock, so it is done before threads could fight for it.
    decoded = [decode_transaction(envelopes[index]) for index in unknown]
    digests = [_digest(envelopes[index], transaction) for index, transaction in zip(unknown, decoded, strict=True)]
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(unknown), _CHUNK)]
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="senders") as pool:
        senders = pool.map(_senders, [decoded[chunk] for chunk in chunks], [digests[chunk] for chunk in chunks])
        for chunk, addresses in zip(chunks, senders, strict=True):
            for index, transaction, sender in zip(unknown[chunk], decoded[chunk], addresses, strict=True):
                raw = envelopes[index]
                found[index] = _remember(RecoveredTransaction(transaction, raw, keccak256(raw), sender))
    return [recovered for recovered in found if recovered is not None]


def _digest(raw: bytes, transaction: Transaction) -> bytes:
    return b"" if isinstance(transaction, DepositTransaction) else envelope_signing_hash(raw, transaction)


def _senders(transactions: Sequence[Transaction], digests: Sequence[bytes]) -> list[bytes]:
    return [
        transaction.sender
        if isinstance(transaction, DepositTransaction)
        else recover_address(digest, transaction.y_parity, transaction.r, transaction.s)
        for transaction, digest in zip(transactions, digests, strict=True)
    ]


def _recall(raw: bytes) -> RecoveredTransaction | None:
    return _young.get(raw) or _old.get(raw)


def _remember(recovered: RecoveredTransaction) -> RecoveredTransaction:
    # Two generations stand in for an order of use. A race between threads costs a second recovery, nothing else.
    global _young, _old
    if len(recovered.raw) <= LONGEST_REMEMBERED:
        _young[recovered.raw] = recovered
        if len(_young) >= _REMEMBERED:
            _young, _old = {}, _young
    return recovered
