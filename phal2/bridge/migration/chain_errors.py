"""What can go wrong on the chains that the migration runs on."""

from phal2.bridge.migration.errors import MigrationError
from phal2.node.protocol.addresses import to_checksum_address


class LaunchRefused(MigrationError):
    """The launch cannot go on, as the contracts say something else than what was asked for."""


class LaunchNotArrived(MigrationError):
    """The launch message was sent on L1, but has not been seen on L2 in time."""

    def __init__(self, waited_seconds: float) -> None:
        self.waited_seconds = waited_seconds
        super().__init__(
            f"the launch was sent on L1, but PHAClaims on L2 did not show it within {waited_seconds:g} s; "
            "run the same command again to go on waiting"
        )


class ClaimRefused(MigrationError):
    """A claim or sweep that PHAClaims would refuse, found out before anything was sent."""


class ClaimedMeanwhile(MigrationError):
    """A claim that came too late: another transaction claimed for the account. `reason` is what the contract says."""

    def __init__(self, account_id: bytes, receiver: bytes, reason: str) -> None:
        self.account_id = account_id
        self.receiver = receiver
        super().__init__(
            f"{reason}; another transaction claimed for account 0x{account_id.hex()} first. Anybody can relay a claim, "
            f"but nobody can change its receiver: {to_checksum_address(receiver)} has the PHA, unless the account "
            "signed for another, or the owner of PHAClaims had scheduled a claim"
        )
