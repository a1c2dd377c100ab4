"""References to blocks, as rollup rules and RPC speak of them (op-node's L1BlockRef and L2BlockRef)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block by hash and number."""

    hash: bytes
    number: int


@dataclass(frozen=True, slots=True)
class L1BlockRef:
    """An L1 block with what rollup rules need of it."""

    hash: bytes
    number: int
    parent_hash: bytes
    timestamp: int

    @property
    def id(self) -> BlockId:
        """Hash and number alone."""
        return BlockId(self.hash, self.number)


@dataclass(frozen=True, slots=True)
class L2BlockRef:
    """An L2 block with its L1 origin; `sequence_number` counts the blocks of the epoch from 0."""

    hash: bytes
    number: int
    parent_hash: bytes
    timestamp: int
    l1_origin: BlockId
    sequence_number: int

    @property
    def id(self) -> BlockId:
        """Hash and number alone."""
        return BlockId(self.hash, self.number)
