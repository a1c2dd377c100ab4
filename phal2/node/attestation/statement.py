"""The statement that kinds 1 and 2 attest: one call, as EIP-712 typed data (docs/attested-transactions.md)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transactions import AttestedTransaction

REPORT_DATA_LENGTH: Final = 64

_DOMAIN_TYPE_HASH: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId)")
_NAME_HASH: Final = keccak256(b"phal2 attested transaction")
_VERSION_HASH: Final = keccak256(b"1")
_STATEMENT_TYPE_HASH: Final = keccak256(
    b"Statement(address sender,uint64 nonce,address to,uint256 value,bytes32 dataHash,uint64 validUntil)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """The call that an attestation covers. Fees and gas are outside it: they can change without a new attestation."""

    chain_id: int
    sender: bytes
    nonce: int
    to: bytes
    value: int
    data: bytes
    valid_until: int


def statement_of(transaction: AttestedTransaction, sender: bytes) -> Statement:
    """Return the statement that must be attested for a transaction from the 20-byte `sender`."""
    return Statement(
        chain_id=transaction.chain_id,
        sender=sender,
        nonce=transaction.nonce,
        to=transaction.to,
        value=transaction.value,
        data=transaction.data,
        valid_until=transaction.attestation.valid_until,
    )


def statement_hash(statement: Statement) -> bytes:
    """Return the 32-byte EIP-712 digest that the enclave's quote or key attests."""
    struct_hash = keccak256(
        _STATEMENT_TYPE_HASH
        + statement.sender.rjust(32, b"\0")
        + statement.nonce.to_bytes(32, "big")
        + statement.to.rjust(32, b"\0")
        + statement.value.to_bytes(32, "big")
        + keccak256(statement.data)
        + statement.valid_until.to_bytes(32, "big")
    )
    return keccak256(b"\x19\x01" + _domain_separator(statement.chain_id) + struct_hash)


def report_data_of(statement: Statement) -> bytes:
    """Return the 64 bytes of report_data that a quote for the statement must carry."""
    return statement_hash(statement).ljust(REPORT_DATA_LENGTH, b"\0")


@lru_cache(maxsize=16)
def _domain_separator(chain_id: int) -> bytes:
    return keccak256(_DOMAIN_TYPE_HASH + _NAME_HASH + _VERSION_HASH + chain_id.to_bytes(32, "big"))
