"""An L1 block as derivation reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.headers import Header
from phal2.node.protocol.receipts import Receipt


@dataclass(frozen=True, slots=True)
class L1Block:
    """An L1 block whose parts were checked against its header.

    `transactions` are envelopes, `receipts` are in the same order. `receipts` is empty where the header's bloom
    filter excludes every log that the rollup reads. `blobs` holds by versioned hash those blobs that derivation asks
    for, held against the hashes.
    """

    header: Header
    hash: bytes
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]
    blobs: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def ref(self) -> L1BlockRef:
        """Hash, number, parent and time of the block."""
        return L1BlockRef(self.hash, self.header.number, self.header.parent_hash, self.header.timestamp)
