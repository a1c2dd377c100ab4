"""What can go wrong on the chains that the migration runs on."""

from phal2.bridge.migration.errors import MigrationError


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
