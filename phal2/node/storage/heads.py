"""The heads of the chain, and their record in the metadata table."""

from dataclasses import dataclass, replace
from typing import Final

from phal2.node.protocol.block_refs import BlockId
from phal2.node.storage.tables import Table
from phal2.node.storage.transaction import Transaction

_KEY: Final = b"heads"
_BLOCK_ID_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Heads:
    """The three heads of a chain.

    `unsafe` is the tip, `safe` follows from L1, `finalized` from final L1. Each is at or behind the one before.
    """

    unsafe: BlockId
    safe: BlockId
    finalized: BlockId

    def clamped(self, block: BlockId) -> "Heads":
        """Return these heads with none above `block`, which takes the place of those that are."""
        return replace(
            self,
            safe=block if self.safe.number > block.number else self.safe,
            finalized=block if self.finalized.number > block.number else self.finalized,
        )


def read_heads(transaction: Transaction) -> Heads | None:
    """Return the stored heads, None in a new database."""
    record = transaction.get(Table.METADATA, _KEY)
    if record is None:
        return None
    unsafe, safe, finalized = (
        decode_block_id(record[start : start + _BLOCK_ID_LENGTH]) for start in range(0, len(record), _BLOCK_ID_LENGTH)
    )
    return Heads(unsafe, safe, finalized)


def write_heads(transaction: Transaction, heads: Heads) -> None:
    """Store the heads."""
    record = b"".join(encode_block_id(block) for block in (heads.unsafe, heads.safe, heads.finalized))
    transaction.put(Table.METADATA, _KEY, record)


def encode_block_id(block: BlockId) -> bytes:
    """Return 32 bytes of hash and 8 of number."""
    return block.hash + block.number.to_bytes(8, "big")


def decode_block_id(record: bytes) -> BlockId:
    """Read what `encode_block_id` gave."""
    return BlockId(record[:32], int.from_bytes(record[32:], "big"))
