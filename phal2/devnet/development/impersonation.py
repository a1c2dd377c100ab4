"""Accounts that a development chain lets anybody send from, without their keys."""

from dataclasses import replace

from phal2.devnet.signer import replay_protected
from phal2.node.protocol.impersonation import NO_SIGNATURE, impersonated_r
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.rpc.unsigned_transaction import TransactionFields, with_sender


class Impersonation:
    """The accounts in the order in which they were named; with `everyone` all accounts."""

    def __init__(self) -> None:
        self.everyone = False
        self._accounts: dict[bytes, None] = {}

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """The addresses that were named and not taken back."""
        return tuple(self._accounts)

    def begin(self, address: bytes) -> None:
        """Let anybody send from `address`."""
        self._accounts[address] = None

    def end(self, address: bytes) -> bool:
        """Let nobody send from `address` any more without its key; tell whether anybody could."""
        was_named = address in self._accounts
        self._accounts.pop(address, None)
        return was_named

    def includes(self, address: bytes) -> bool:
        """Tell whether anybody may send from `address`."""
        return self.everyone or address in self._accounts


def impersonated_transaction(fields: TransactionFields, sender: bytes) -> RecoveredTransaction:
    """Return a transaction that names its sender in the place of a signature. Raises `CannotBuild`."""
    transaction = replace(replay_protected(fields), r=impersonated_r(sender), s=NO_SIGNATURE)
    return with_sender(transaction, sender)
