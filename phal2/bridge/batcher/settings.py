"""How the batcher behaves, apart from what the rollup configuration fixes."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from phal2.bridge.amounts import GWEI
from phal2.bridge.batcher.errors import BatcherError
from phal2.node.l1.client import MOST_PRIORITY_FEE
from phal2.node.protocol.blobs import MAXIMUM_BLOB_DATA
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.frames import FRAME_OVERHEAD

BLOB_CONTENT: Final = MAXIMUM_BLOB_DATA - 1 - FRAME_OVERHEAD
"""Bytes of a channel that a blob carries beside the version byte and the head of a frame."""

MOST_BLOBS_IN_A_TRANSACTION: Final = 6
"""What L1's nodes take in one transaction: from Osaka on by rule, before that because of its size."""

_CALL_DATA_CHANNEL: Final = 100_000


class DataAvailability(Enum):
    """Where batches go on L1."""

    AUTO = "auto"
    """Into blobs or call data, whichever costs less at the present prices."""
    BLOBS = "blobs"
    CALLDATA = "calldata"


class BatchType(Enum):
    """How L2 blocks are put into batches."""

    SPAN = "span"
    """Many blocks in one batch, but those with attested transactions, which span batches cannot carry, alone."""
    SINGULAR = "singular"
    """A batch for each block."""


@dataclass(frozen=True, slots=True)
class BatcherSettings:
    """Times in seconds, durations of channels in L1 blocks, sizes in bytes, fees in wei per gas."""

    poll_interval_seconds: float = 1.0
    """Pause between two looks at L1 and L2."""

    batch_type: BatchType = BatchType.SPAN

    compression: Compression = Compression.BROTLI

    data_availability: DataAvailability = DataAvailability.AUTO

    switch_margin_percent: int = 20
    """With `AUTO`, how much cheaper the other way must be for the batcher to change to it."""

    channel_duration: int = 1
    """A channel is closed when the L1 head is this many blocks past the one that it was opened at."""

    channel_bytes: int | None = None
    """A channel is closed when its compressed content has reached about this size.

    None: 100,000 for call data, and for blobs what those of one transaction hold.
    """

    transaction_bytes: int = 120_000
    """Greatest call data of a transaction; nodes refuse transactions above 131,072 bytes."""

    blobs_in_transaction: int = MOST_BLOBS_IN_A_TRANSACTION
    """Greatest number of blobs of a transaction."""

    transactions_in_flight: int = 8
    """With so many transactions not yet mined, no further L2 blocks are read."""

    bytes_in_flight: int = 4_000_000
    """With so many bytes in transactions not yet mined, no further L2 blocks are read."""

    resubmission_seconds: float = 24.0
    """A transaction that is not mined after this time is sent again with higher fees."""

    settle_seconds: float = 48.0
    """How long to wait at the start for transactions of an earlier run, before they are replaced."""

    fee_limit: int = 1_000 * GWEI
    """The fee cap never goes above this; a warning says so."""

    blob_fee_limit: int = 1_000 * GWEI
    """The same for the fee cap of blob gas."""

    priority_fee_limit: int = MOST_PRIORITY_FEE
    """The tip never goes above this."""

    least_priority_fee: int = 1
    """Paid where the endpoint suggests less."""

    least_blob_fee_cap: int = GWEI
    """The fee cap of blob gas is at least this, so that a rise from the lowest prices does not delay a transaction."""

    lost_channel_blocks: int = 10
    """When derivation is this many L1 blocks past a channel and has not taken it, the channel is given up."""

    backlog_blocks: int = 600
    """A warning says so when this many L2 blocks wait to be posted."""

    def __post_init__(self) -> None:
        if self.poll_interval_seconds <= 0 or self.resubmission_seconds <= 0:
            raise BatcherError("the poll interval and the resubmission time must be above 0 s")
        if self.channel_duration < 1 or self.transactions_in_flight < 1 or self.bytes_in_flight < 1:
            raise BatcherError(
                "a channel lasts at least 1 L1 block, and at least 1 transaction and 1 byte may be in flight"
            )
        if not 1_000 <= self.transaction_bytes <= 130_000:
            raise BatcherError(f"transactions carry 1,000 to 130,000 bytes, found {self.transaction_bytes}")
        if self.channel_bytes is not None and self.channel_bytes < 1_000:
            raise BatcherError(f"channels have at least 1,000 bytes, found {self.channel_bytes}")
        if not 1 <= self.blobs_in_transaction <= MOST_BLOBS_IN_A_TRANSACTION:
            raise BatcherError(
                f"a transaction carries 1 to {MOST_BLOBS_IN_A_TRANSACTION} blobs, found {self.blobs_in_transaction}"
            )
        if not 0 <= self.switch_margin_percent < 100:
            raise BatcherError(f"the margin is 0 to 99 percent, found {self.switch_margin_percent}")

    def channel_target(self, into_blobs: bool) -> int:
        """Return the compressed size at which a channel is closed."""
        if self.channel_bytes is not None:
            return self.channel_bytes
        return self.blobs_in_transaction * BLOB_CONTENT if into_blobs else _CALL_DATA_CHANNEL
