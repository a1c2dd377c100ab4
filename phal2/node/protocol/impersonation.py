"""Transactions that a development chain takes from an account without its key.

In the place of a signature such a transaction names its sender. No sender can be recovered from it, so everywhere else
it is invalid, as any transaction with a wrong signature.
"""

from typing import Final

from phal2.node.protocol.transactions import SignedTransaction

_MARK: Final = b"impersonated"

NO_SIGNATURE: Final = (1 << 255) - 1
"""Stands for s. It is above half of the curve's order, which EIP-2 forbids, and clients can read it nonetheless."""


def impersonated_r(sender: bytes) -> int:
    """Return what stands for r in a transaction of `sender`, so that equal ones of two senders have two hashes."""
    return int.from_bytes(_MARK + sender, "big")


def is_impersonated(transaction: SignedTransaction) -> bool:
    """Tell whether a transaction has no signature, but names its sender in the place of one."""
    return transaction.s == NO_SIGNATURE
