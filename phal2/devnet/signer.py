"""Signs transactions and messages with the keys of dev accounts."""

from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import Final

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import signing_hash
from phal2.node.protocol.transactions import (
    ACCESS_LIST,
    ATTESTED,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    AccessList,
    AccessListTransaction,
    Attestation,
    AttestedTransaction,
    Authorization,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

_MESSAGE_PREFIX: Final = b"\x19Ethereum Signed Message:\n"


class CannotSign(InvalidTransaction):
    """A transaction that cannot be built, because its type lacks something that it needs."""


@dataclass(frozen=True, slots=True)
class TransactionFields:
    """What a transaction of any type is made of; its price, where a type has but one, is `max_fee_per_gas`."""

    transaction_type: int
    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    access_list: AccessList
    authorization_list: tuple[Authorization, ...]
    attestation: Attestation | None


def signed_transaction(fields: TransactionFields, private_key: bytes) -> SignedTransaction:
    """Return the signed transaction. Raises `CannotSign`."""
    unsigned = unsigned_transaction(fields)
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


def unsigned_transaction(fields: TransactionFields) -> SignedTransaction:
    """Return the transaction with zeros for r and s, and y parity 0. Raises `CannotSign`."""
    kind = fields.transaction_type
    if kind == LEGACY:
        return LegacyTransaction(
            nonce=fields.nonce,
            gas_price=fields.max_fee_per_gas,
            gas_limit=fields.gas_limit,
            to=fields.to,
            value=fields.value,
            data=fields.data,
            v=35 + 2 * fields.chain_id,
            r=0,
            s=0,
        )
    if kind == ACCESS_LIST:
        return AccessListTransaction(
            chain_id=fields.chain_id,
            nonce=fields.nonce,
            gas_price=fields.max_fee_per_gas,
            gas_limit=fields.gas_limit,
            to=fields.to,
            value=fields.value,
            data=fields.data,
            access_list=fields.access_list,
            y_parity=0,
            r=0,
            s=0,
        )
    unsigned = DynamicFeeTransaction(
        chain_id=fields.chain_id,
        nonce=fields.nonce,
        max_priority_fee_per_gas=fields.max_priority_fee_per_gas,
        max_fee_per_gas=fields.max_fee_per_gas,
        gas_limit=fields.gas_limit,
        to=fields.to,
        value=fields.value,
        data=fields.data,
        access_list=fields.access_list,
        y_parity=0,
        r=0,
        s=0,
    )
    return unsigned if kind == DYNAMIC_FEE else _with_list_or_attestation(unsigned, fields)


def _with_list_or_attestation(
    unsigned: DynamicFeeTransaction, fields: TransactionFields
) -> SetCodeTransaction | AttestedTransaction:
    """Return a type 2 transaction as one of the types that extend it."""
    kind = fields.transaction_type
    if fields.to is None:
        raise CannotSign(f"a transaction of type {kind:#x} creates no contract; expected a field to")
    common = {each.name: getattr(unsigned, each.name) for each in fields_of(unsigned)} | {"to": fields.to}
    if kind == SET_CODE:
        return SetCodeTransaction(**common, authorization_list=fields.authorization_list)
    if kind != ATTESTED or fields.attestation is None:
        raise CannotSign(f"transactions of type {kind:#x} cannot be signed here; expected 0, 1, 2, 4 or 0x54")
    return AttestedTransaction(**common, attestation=fields.attestation)
