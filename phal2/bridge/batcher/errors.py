"""What can go wrong while batches are made and posted."""

from phal2.node.protocol.errors import Phal2Error


class BatcherError(Phal2Error):
    """Root of the batcher's errors."""


class L2ChainChanged(BatcherError):
    """The L2 chain no longer holds the blocks that were read: a reorg. Begin again at the safe head."""


class NonceTaken(BatcherError):
    """Another transaction of the batcher's account has used a nonce: two programs share the key, or L1 was reorganised.

    Begin again at the safe head.
    """

    def __init__(self, nonce: int) -> None:
        super().__init__(
            f"nonce {nonce} of the batcher's account was used by a transaction that this batcher did not send; "
            "is another program using the same key?"
        )
        self.nonce = nonce


class NonceLost(BatcherError):
    """L1 has a lower nonce for the batcher's account than before: its transactions were lost in a reorg.

    Begin again at the safe head.
    """

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"L1 expects nonce {found} of the batcher's account, which is at {expected}: L1 was reorganised"
        )
        self.expected = expected
        self.found = found


class LostChannel(BatcherError):
    """Derivation went past a channel without taking its blocks. Begin again at the safe head."""


class TransactionCancelled(BatcherError):
    """A transaction that blocked the batcher's account was cancelled, and its nonce is used. Begin again."""

    def __init__(self, nonce: int) -> None:
        super().__init__(f"nonce {nonce} of the batcher's account was freed of a transaction that was stuck")
        self.nonce = nonce


class BlobsNotPossible(BatcherError):
    """Blobs are asked for, but L1 has none."""

    def __init__(self) -> None:
        super().__init__("this L1 has no blob transactions; post with --data-availability calldata or auto")


class UnusableBlock(BatcherError):
    """An L2 block that cannot be made into a batch: the L2 node is not one of an OP Stack chain, or faulty."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"L2 block {number} cannot be made into a batch: {reason}")
        self.number = number
