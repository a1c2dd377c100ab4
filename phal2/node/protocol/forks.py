"""The forks of the OP Stack by timestamp, and the fork that brings attested transactions."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Fork(IntEnum):
    """OP Stack forks in their order of activation."""

    BEDROCK = 0
    REGOLITH = 1
    CANYON = 2
    DELTA = 3
    ECOTONE = 4
    FJORD = 5
    GRANITE = 6
    HOLOCENE = 7
    ISTHMUS = 8
    JOVIAN = 9


@dataclass(frozen=True, slots=True)
class ForkSchedule:
    """When each fork activates: a Unix time in seconds, 0 for genesis, or None for never.

    A block is under a fork where its timestamp is at least the fork's. Bedrock is active from genesis.
    """

    regolith_time: int | None = None
    canyon_time: int | None = None
    delta_time: int | None = None
    ecotone_time: int | None = None
    fjord_time: int | None = None
    granite_time: int | None = None
    holocene_time: int | None = None
    isthmus_time: int | None = None
    jovian_time: int | None = None
    attested_time: int | None = None

    def activation_time(self, fork: Fork) -> int | None:
        """Return when `fork` activates, None for never."""
        return (
            0,
            self.regolith_time,
            self.canyon_time,
            self.delta_time,
            self.ecotone_time,
            self.fjord_time,
            self.granite_time,
            self.holocene_time,
            self.isthmus_time,
            self.jovian_time,
        )[fork]

    def is_active(self, fork: Fork, timestamp: int) -> bool:
        """Tell whether a block of `timestamp` is under the rules of `fork`."""
        activation = self.activation_time(fork)
        return activation is not None and timestamp >= activation

    def fork_at(self, timestamp: int) -> Fork:
        """Return the latest fork whose rules hold for a block of `timestamp`."""
        return max(fork for fork in Fork if self.is_active(fork, timestamp))

    def attested_is_active(self, timestamp: int) -> bool:
        """Tell whether transactions of type 0x54 are valid in a block of `timestamp`."""
        return self.attested_time is not None and timestamp >= self.attested_time


ALL_THROUGH_ISTHMUS: Final = ForkSchedule(
    regolith_time=0,
    canyon_time=0,
    delta_time=0,
    ecotone_time=0,
    fjord_time=0,
    granite_time=0,
    holocene_time=0,
    isthmus_time=0,
    attested_time=0,
)
"""The devnet's schedule: every fork through Isthmus, and attested transactions, from genesis."""
