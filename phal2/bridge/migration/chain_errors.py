"""What can go wrong between the migration and the chains it runs on."""

from phal2.bridge.migration.errors import MigrationError
from phal2.node.protocol.addresses import to_checksum_address


class InvalidKey(MigrationError):
    """A private key or secret that cannot be read. The text never shows it."""


class ContractMissing(MigrationError):
    """An address at which the expected contract does not answer."""

    def __init__(self, contract: str, address: bytes, chain: str) -> None:
        self.contract = contract
        self.address = address
        super().__init__(
            f"there is no {contract} at {to_checksum_address(address)} on {chain}: check the URL and the address"
        )


class CallReverted(MigrationError):
    """A contract refuses a call; nothing was sent and nothing paid. `reason` is its error by name."""

    def __init__(self, call: str, reason: str) -> None:
        self.call = call
        self.reason = reason
        super().__init__(f"{call} is refused by the contract: {reason}")


class TransactionFailed(MigrationError):
    """A transaction that was mined and reverted. `reason` is what the same call answers now."""

    def __init__(self, call: str, transaction_hash: bytes, reason: str) -> None:
        self.call = call
        self.transaction_hash = transaction_hash
        self.reason = reason
        super().__init__(f"{call} was mined in transaction 0x{transaction_hash.hex()}, but failed: {reason}")


class TransactionNotMined(MigrationError):
    """A transaction that was sent and has no receipt in time. It may still be mined."""

    def __init__(self, call: str, transaction_hash: bytes, waited_seconds: float) -> None:
        self.call = call
        self.transaction_hash = transaction_hash
        self.waited_seconds = waited_seconds
        super().__init__(
            f"{call} was sent in transaction 0x{transaction_hash.hex()}, which was not mined within "
            f"{waited_seconds:g} s; it may still be: look for its receipt before sending again"
        )


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
