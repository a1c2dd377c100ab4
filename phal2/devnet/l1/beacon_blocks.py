"""The embedded L1's blocks as a beacon node would know them: by slot, by root, by tag.

There is no consensus layer. The root of a block's beacon block is the block's own hash, and slots last a second, the
least distance of two blocks, so that each block has a slot of its own; those between them are empty, as missed ones
are.
"""

from dataclasses import dataclass
from typing import Final

from phal2.devnet.l1.embedded_l1 import EmbeddedL1
from phal2.node.protocol.blob_sidecars import BlobSidecar
from phal2.node.protocol.headers import Header
from phal2.node.protocol.transaction_codec import decode_transaction
from phal2.node.protocol.transactions import BLOB

SECONDS_PER_SLOT: Final = 1


@dataclass(frozen=True, slots=True)
class BeaconBlock:
    """A block of L1 with its root and slot."""

    header: Header
    root: bytes
    slot: int


class BeaconBlocks:
    """Finds blocks and their blobs. Its methods may be called from any thread."""

    def __init__(self, l1: EmbeddedL1) -> None:
        self._l1 = l1
        genesis = l1.store.header(l1.store.genesis.hash)
        self.genesis_time = 0 if genesis is None else genesis.timestamp
        """Unix seconds of slot 0."""

    def by_root(self, root: bytes) -> BeaconBlock | None:
        """Return a block, canonical or not."""
        header = self._l1.store.header(root)
        if header is None:
            return None
        return BeaconBlock(header, root, (header.timestamp - self.genesis_time) // SECONDS_PER_SLOT)

    def by_tag(self, tag: str) -> BeaconBlock | None:
        """Return the block that "head", "genesis", "finalized" or "justified" names."""
        heads = self._l1.store.read_heads()
        named = {
            "head": heads.unsafe,
            "genesis": self._l1.store.genesis,
            "finalized": heads.finalized,
            "justified": heads.safe,
        }
        return self.by_root(named[tag].hash) if tag in named else None

    def by_slot(self, slot: int) -> BeaconBlock | None:
        """Return the canonical block of a slot, None where the slot is empty."""
        timestamp = self.genesis_time + slot * SECONDS_PER_SLOT
        low, high = self._l1.store.genesis.number, self._l1.store.head().number
        while low <= high:
            middle = (low + high) // 2
            header = self._l1.store.header_by_number(middle)
            # A reorganisation meanwhile may have made the chain shorter.
            if header is None or header.timestamp > timestamp:
                high = middle - 1
            elif header.timestamp < timestamp:
                low = middle + 1
            else:
                block_hash = self._l1.store.block_hash(middle)
                return None if block_hash is None else self.by_root(block_hash)
        return None

    def is_canonical(self, block: BeaconBlock) -> bool:
        """Tell whether a block is on the canonical chain."""
        return self._l1.store.block_hash(block.header.number) == block.root

    def is_finalized(self, block: BeaconBlock) -> bool:
        """Tell whether a block can no longer be replaced."""
        return block.header.number <= self._l1.store.read_heads().finalized.number and self.is_canonical(block)

    def sidecars(self, block: BeaconBlock) -> list[BlobSidecar] | None:
        """Return a block's sidecars in the order of its commitments, None where they are no longer kept."""
        if not block.header.blob_gas_used:
            return []
        stored = self._l1.store.block(block.root)
        if stored is None:
            return None
        hashes = [
            versioned_hash
            for raw in stored.transactions
            if raw[:1] == bytes([BLOB])
            for versioned_hash in decode_transaction(raw).blob_versioned_hashes
        ]
        found = [self._l1.store.blob(versioned_hash) for versioned_hash in hashes]
        kept = [sidecar for sidecar in found if sidecar is not None]
        return kept if len(kept) == len(hashes) else None
