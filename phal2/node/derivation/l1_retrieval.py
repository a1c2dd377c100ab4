"""Second stage: the data of batcher transactions (OP Stack "L1 Retrieval").

A batcher transaction goes to the inbox, from the batcher of the system configuration at its L1 block. Whether it
succeeded does not matter.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.blobs import InvalidBlob, decode_blob
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.transaction_codec import Transaction, decode_transaction, recover_sender
from phal2.node.protocol.transactions import ACCESS_LIST, BLOB, DEPOSIT, DYNAMIC_FEE, LEGACY, BlobTransaction

CALLDATA_TYPES: Final = frozenset({LEGACY, ACCESS_LIST, DYNAMIC_FEE, DEPOSIT})


def retrieve(
    blocks: Iterable[L1Block | None],
    inbox_address: bytes,
    batcher_address: Callable[[], bytes],
    dropped: DropListener,
) -> Iterator[bytes | None]:
    """Yield the data of each batcher transaction; `batcher_address` gives the batcher at the present L1 block.

    The call data of a blob transaction does not count: each of its blobs, in their order, is one piece of data.
    """
    for block in blocks:
        if block is None:
            yield None
            continue
        for transaction in _batcher_transactions(block, inbox_address, batcher_address()):
            if transaction.transaction_type in CALLDATA_TYPES:
                yield transaction.data
                continue
            for versioned_hash in _blob_hashes(transaction):
                try:
                    yield decode_blob(block.blobs[versioned_hash])
                except InvalidBlob as error:
                    dropped(Dropped("l1_retrieval", str(error), block.ref.id))


def blob_hashes(block: L1Block, inbox_address: bytes, batcher_address: bytes) -> tuple[bytes, ...]:
    """Return the versioned hashes of the blobs of a block's batcher transactions, which `L1Block.blobs` must hold."""
    transactions = _batcher_transactions(block, inbox_address, batcher_address, only_type=BLOB)
    return tuple(versioned_hash for transaction in transactions for versioned_hash in _blob_hashes(transaction))


def _batcher_transactions(
    block: L1Block, inbox_address: bytes, batcher_address: bytes, only_type: int | None = None
) -> Iterator[Transaction]:
    for raw in block.transactions:
        # The recipient stands in the envelope as it is, so most transactions need not be decoded.
        if inbox_address not in raw or (only_type is not None and raw[0] != only_type):
            continue
        try:
            transaction = decode_transaction(raw)
            if transaction.to == inbox_address and recover_sender(transaction) == batcher_address:
                yield transaction
        except Phal2Error:
            # L1 may have transactions that this node cannot read; none of them is a batcher's.
            continue


def _blob_hashes(transaction: Transaction) -> tuple[bytes, ...]:
    return transaction.blob_versioned_hashes if isinstance(transaction, BlobTransaction) else ()
