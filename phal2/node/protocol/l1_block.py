"""An L1 block as derivation reads it."""

from dataclasses import dataclass

from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.headers import Header
from phal2.node.protocol.receipts import Receipt


@dataclass(frozen=True, slots=True)
class L1Block:
    """An L1 block whose parts were checked against its header.

    `transactions` are envelopes, `receipts` are in the same order. `receipts` is empty where the header's bloom
    filter excludes every log that the rollup reads.
    """

    header: Header
    hash: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]

    @property
    def ref(self) -> L1BlockRef:
        """Hash, number, parent and time of the block."""
        return L1BlockRef(self.hash, self.header.number, self.header.parent_hash, self.header.timestamp)
