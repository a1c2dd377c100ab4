"""The signed transaction types: 0 legacy, 1 access list, 2 dynamic fee, 3 blob (L1 only), 4 set code, 0x54 attested.

Sources: EIP-155, EIP-2930, EIP-1559, EIP-4844, EIP-7702, and docs/attested-transactions.md for type 0x54. Amounts are
in wei, addresses are 20 bytes, hashes 32 bytes. `transaction_codec` reads and writes them. All types share one set
of attribute names, so that rules need not ask for the type: a type without a feature has the neutral value.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

LEGACY: Final = 0x00
ACCESS_LIST: Final = 0x01
DYNAMIC_FEE: Final = 0x02
BLOB: Final = 0x03
SET_CODE: Final = 0x04
ATTESTED: Final = 0x54
DEPOSIT: Final = 0x7E

LARGEST_TYPE: Final = 0x7F
"""A larger first byte is no type (EIP-2718)."""

AccessList: TypeAlias = tuple[tuple[bytes, tuple[bytes, ...]], ...]
"""(address, storage keys of 32 bytes) for each entry."""

Evidence: TypeAlias = "bytes | tuple[Evidence, ...]"
"""An RLP item as decoded, with tuples for lists."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One EIP-7702 authorization: `chain_id` 0 holds on every chain; `y_parity` is not yet checked to be 0 or 1."""

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int


@dataclass(frozen=True, slots=True)
class Attestation:
    """What an attested transaction carries: `evidence` is as `kind` prescribes, `valid_until` in Unix seconds."""

    kind: int
    valid_until: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class LegacyTransaction:
    """Type 0. `v` is 27 or 28, or 35 + 2 · chain id + y parity (EIP-155). `to` is None for a creation."""

    nonce: int
    gas_price: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    v: int
    r: int
    s: int

    transaction_type: ClassVar[int] = LEGACY
    access_list: ClassVar[AccessList] = ()
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0

    @property
    def chain_id(self) -> int | None:
        """The chain id, or None where the signature is not bound to a chain."""
        # Below 35 it is 27 or 28, or 0 where nobody has signed.
        return None if self.v < 35 else (self.v - 35) // 2

    @property
    def y_parity(self) -> int:
        """Parity of the y coordinate of the signature's point."""
        return self.v - 27 if self.v in (27, 28) else (self.v - 35) % 2

    @property
    def max_fee_per_gas(self) -> int:
        """The gas price: a legacy transaction pays it whatever the base fee."""
        return self.gas_price

    @property
    def max_priority_fee_per_gas(self) -> int:
        """The gas price: all of it that the base fee leaves is the tip."""
        return self.gas_price


@dataclass(frozen=True, slots=True)
class AccessListTransaction:
    """Type 1 (EIP-2930)."""

    chain_id: int
    nonce: int
    gas_price: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    access_list: AccessList
    y_parity: int
    r: int
    s: int

    transaction_type: ClassVar[int] = ACCESS_LIST
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0

    @property
    def max_fee_per_gas(self) -> int:
        """The gas price: the transaction pays it whatever the base fee."""
        return self.gas_price

    @property
    def max_priority_fee_per_gas(self) -> int:
        """The gas price: all of it that the base fee leaves is the tip."""
        return self.gas_price


@dataclass(frozen=True, slots=True)
class DynamicFeeTransaction:
    """Type 2 (EIP-1559)."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    access_list: AccessList
    y_parity: int
    r: int
    s: int

    transaction_type: ClassVar[int] = DYNAMIC_FEE
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class BlobTransaction:
    """Type 3 (EIP-4844), without its sidecar. Valid on L1 only."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes
    value: int
    data: bytes
    access_list: AccessList
    max_fee_per_blob_gas: int
    blob_versioned_hashes: tuple[bytes, ...]
    y_parity: int
    r: int
    s: int

    transaction_type: ClassVar[int] = BLOB
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()


@dataclass(frozen=True, slots=True)
class SetCodeTransaction:
    """Type 4 (EIP-7702)."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes
    value: int
    data: bytes
    access_list: AccessList
    authorization_list: tuple[Authorization, ...]
    y_parity: int
    r: int
    s: int

    transaction_type: ClassVar[int] = SET_CODE
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class AttestedTransaction:
    """Type 0x54 (docs/attested-transactions.md): a dynamic fee transaction with an attestation that covers its call."""

    chain_id: int
    nonce: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    gas_limit: int
    to: bytes
    value: int
    data: bytes
    access_list: AccessList
    attestation: Attestation
    y_parity: int
    r: int
    s: int

    transaction_type: ClassVar[int] = ATTESTED
    authorization_list: ClassVar[tuple[Authorization, ...]] = ()
    blob_versioned_hashes: ClassVar[tuple[bytes, ...]] = ()
    max_fee_per_blob_gas: ClassVar[int] = 0


SignedTransaction: TypeAlias = (
    LegacyTransaction
    | AccessListTransaction
    | DynamicFeeTransaction
    | BlobTransaction
    | SetCodeTransaction
    | AttestedTransaction
)
