"""What can go wrong between a command and the chains it works on."""

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.errors import Phal2Error


class ChainError(Phal2Error):
    """Root of these errors."""


class InvalidKey(ChainError):
    """A private key or secret that cannot be read. The text never shows it."""


class WrongChain(ChainError):
    """An endpoint of another chain than the rollup's."""

    def __init__(self, url: str, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"{url} is the chain {found}, but the rollup's is {expected}: give the endpoint of that chain")


class ContractMissing(ChainError):
    """An address at which the expected contract does not answer."""

    def __init__(self, contract: str, address: bytes, chain: str) -> None:
        self.contract = contract
        self.address = address
        super().__init__(
            f"there is no {contract} at {to_checksum_address(address)} on {chain}: check the URL and the address"
        )


class CallReverted(ChainError):
    """A contract refuses a call; nothing was sent and nothing paid. `reason` is its error by name."""

    def __init__(self, call: str, reason: str) -> None:
        self.call = call
        self.reason = reason
        super().__init__(f"{call} is refused by the contract: {reason}")


class TransactionFailed(ChainError):
    """A transaction that was mined and reverted. `reason` is what the same call answers now."""

    def __init__(self, call: str, transaction_hash: bytes, reason: str) -> None:
        self.call = call
        self.transaction_hash = transaction_hash
        self.reason = reason
        super().__init__(f"{call} was mined in transaction 0x{transaction_hash.hex()}, but failed: {reason}")


class SendingUnclear(ChainError):
    """An endpoint that did not say properly whether it took a transaction. `reason` is what went wrong."""

    def __init__(self, call: str, transaction_hash: bytes, reason: str) -> None:
        self.call = call
        self.transaction_hash = transaction_hash
        self.reason = reason
        super().__init__(
            f"{reason}; so {call} may or may not have been sent in transaction 0x{transaction_hash.hex()}: look for "
            "its receipt before sending again"
        )


class TransactionNotMined(ChainError):
    """A transaction that was sent and has no receipt in time. It may still be mined."""

    def __init__(self, call: str, transaction_hash: bytes, waited_seconds: float) -> None:
        self.call = call
        self.transaction_hash = transaction_hash
        self.waited_seconds = waited_seconds
        super().__init__(
            f"{call} was sent in transaction 0x{transaction_hash.hex()}, which was not mined within "
            f"{waited_seconds:g} s; it may still be: look for its receipt before sending again"
        )


class AccountBusy(ChainError):
    """An account with transactions that were not mined in time."""

    def __init__(self, url: str, address: bytes, waited_seconds: float) -> None:
        self.address = address
        self.waited_seconds = waited_seconds
        super().__init__(
            f"{url}: account {to_checksum_address(address)} has transactions that were not mined within "
            f"{waited_seconds:g} s; wait for them or replace them, and run the command again"
        )
