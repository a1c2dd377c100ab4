"""How the batcher behaves, apart from what the rollup configuration fixes."""

from dataclasses import dataclass

from phal2.bridge.batcher.errors import BatcherError

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class BatcherSettings:
    """Times in seconds, durations of channels in L1 blocks, sizes in bytes, fees in wei per gas."""

    poll_interval_seconds: float = 1.0
    """Pause between two looks at L1 and L2."""

    channel_duration: int = 1
    """A channel is closed when the L1 head is this many blocks past the one that it was opened at."""

    channel_bytes: int = 100_000
    """A channel is closed when its compressed content has reached about this size."""

    transaction_bytes: int = 120_000
    """Greatest call data of a transaction; nodes refuse transactions above 131,072 bytes."""

    transactions_in_flight: int = 8
    """With so many transactions not yet mined, no further L2 blocks are read."""

    resubmission_seconds: float = 24.0
    """A transaction that is not mined after this time is sent again with higher fees."""

    settle_seconds: float = 48.0
    """How long to wait at the start for transactions of an earlier run, before they are replaced."""

    fee_limit: int = 1_000 * GWEI
    """The fee cap never goes above this; a warning says so."""

    least_priority_fee: int = 1
    """Paid where the endpoint suggests less."""

    lost_channel_blocks: int = 10
    """When derivation is this many L1 blocks past a channel and has not taken it, the channel is given up."""

    def __post_init__(self) -> None:
        if self.poll_interval_seconds <= 0 or self.resubmission_seconds <= 0:
            raise BatcherError("the poll interval and the resubmission time must be above 0 s")
        if self.channel_duration < 1 or self.transactions_in_flight < 1:
            raise BatcherError("a channel lasts at least 1 L1 block, and at least 1 transaction may be in flight")
        if not 1_000 <= self.transaction_bytes <= 130_000 or self.channel_bytes < 1_000:
            raise BatcherError(
                f"transactions carry 1,000 to 130,000 bytes, found {self.transaction_bytes}; "
                f"channels at least 1,000, found {self.channel_bytes}"
            )
