"""Signs transactions and messages with the keys of dev accounts."""

from dataclasses import replace
from typing import Final

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import signing_hash
from phal2.node.protocol.transactions import LegacyTransaction, SignedTransaction
from phal2.node.rpc.unsigned_transaction import TransactionFields, build_transaction

_MESSAGE_PREFIX: Final = b"\x19Ethereum Signed Message:\n"


def replay_protected(fields: TransactionFields) -> SignedTransaction:
    """Return the unsigned transaction, its v being that of EIP-155 where it has one. Raises `CannotBuild`."""
    return build_transaction(fields, legacy_v=35 + 2 * fields.chain_id)


def signed_transaction(fields: TransactionFields, private_key: bytes) -> SignedTransaction:
    """Return the signed transaction. Raises `CannotBuild`."""
    unsigned = replay_protected(fields)
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    if isinstance(unsigned, LegacyTransaction):
        return replace(unsigned, v=unsigned.v + y_parity, r=r, s=s)
    return replace(unsigned, y_parity=y_parity, r=r, s=s)


def sign_message(message: bytes, private_key: bytes) -> bytes:
    """Return the signature of a message for people to read: r, s, and v as 27 or 28 (EIP-191, version 0x45)."""
    return sign_digest(keccak256(_MESSAGE_PREFIX + str(len(message)).encode() + message), private_key)


def sign_digest(digest: bytes, private_key: bytes) -> bytes:
    """Return the signature of 32 bytes: r, s, and v as 27 or 28."""
    y_parity, r, s = sign(digest, private_key)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + y_parity])
