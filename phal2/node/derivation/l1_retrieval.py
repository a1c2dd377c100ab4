"""Second stage: the data of batcher transactions (OP Stack "L1 Retrieval").

A batcher transaction goes to the inbox, from the batcher of the system configuration at its L1 block. Whether it
succeeded does not matter.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from phal2.node.derivation.dropped import DropListener, Dropped
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.transaction_codec import Transaction, decode_transaction, recover_sender
from phal2.node.protocol.transactions import ACCESS_LIST, BLOB, DEPOSIT, DYNAMIC_FEE, LEGACY

CALLDATA_TYPES: Final = frozenset({LEGACY, ACCESS_LIST, DYNAMIC_FEE, DEPOSIT})


def retrieve(
    blocks: Iterable[L1Block | None],
    inbox_address: bytes,
    batcher_address: Callable[[], bytes],
    dropped: DropListener,
) -> Iterator[bytes | None]:
    """Yield the data of each batcher transaction; `batcher_address` gives the batcher at the present L1 block.

    Blobs are not read: a batcher's blob transaction is dropped.
    """
    for block in blocks:
        if block is None:
            yield None
            continue
        for raw in block.transactions:
            # The recipient stands in the envelope as it is, so most transactions need not be decoded.
            transaction = _batcher_transaction(raw, inbox_address, batcher_address()) if inbox_address in raw else None
            if transaction is None:
                continue
            if transaction.transaction_type in CALLDATA_TYPES:
                yield transaction.data
            elif transaction.transaction_type == BLOB:
                dropped(Dropped("l1_retrieval", "blobs are not read", BlockId(block.hash, block.header.number)))


def _batcher_transaction(raw: bytes, inbox_address: bytes, batcher_address: bytes) -> Transaction | None:
    try:
        transaction = decode_transaction(raw)
        is_from_batcher = transaction.to == inbox_address and recover_sender(transaction) == batcher_address
    except Phal2Error:
        # L1 may have transactions that this node cannot read; none of them is a batcher's.
        return None
    return transaction if is_from_batcher else None
