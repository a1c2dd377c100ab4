"""The history of safe heads.

Which L2 block was safe once an L1 block had been derived from (op-node's safe head database).
"""

from phal2.node.protocol.block_refs import BlockId
from phal2.node.storage.heads import decode_block_id, encode_block_id
from phal2.node.storage.tables import Table, number_key
from phal2.node.storage.transaction import Transaction


def record_safe_head(transaction: Transaction, l1: BlockId, l2: BlockId) -> None:
    """Note that `l2` is the safe head that follows from L1 up to `l1`.

    What was noted of later L1 blocks no longer holds.
    """
    transaction.delete_from(Table.SAFE_HEADS, number_key(l1.number))
    transaction.put(Table.SAFE_HEADS, number_key(l1.number), l1.hash + encode_block_id(l2))


def forget_safe_heads_above(transaction: Transaction, l1_number: int) -> None:
    """Drop what was noted of L1 blocks above `l1_number`."""
    transaction.delete_from(Table.SAFE_HEADS, number_key(l1_number + 1))


def safe_head_at_l1(transaction: Transaction, l1_number: int) -> tuple[BlockId, BlockId] | None:
    """Return the last (L1 block, L2 safe head) noted at or below `l1_number`."""
    item = transaction.last_up_to(Table.SAFE_HEADS, number_key(l1_number))
    if item is None:
        return None
    key, record = item
    return BlockId(record[:32], int.from_bytes(key, "big")), decode_block_id(record[32:])
