"""A signed transaction of types 0 to 4 from its JSON-RPC object, to be encoded again and held against a root."""

from collections.abc import Callable
from typing import Final

from phal2.node.l1.json_fields import (
    JsonObject,
    MalformedField,
    as_data,
    data,
    elements,
    objects,
    optional,
    quantity,
)
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.transactions import (
    AccessList,
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)


class UnknownTransactionType(InvalidEncoding):
    """A transaction object of a type other than 0 to 4."""

    def __init__(self, transaction_type: int) -> None:
        super().__init__(f"transaction type 0x{transaction_type:02x}, expected 0 to 4")
        self.transaction_type = transaction_type


def transaction_from_json(transaction: JsonObject) -> SignedTransaction:
    """Read a transaction object; raise `MalformedField` or `UnknownTransactionType`.

    What follows from the envelope (hash, sender, place in the block) is not looked at.
    """
    transaction_type = quantity(transaction, "type", 1) if transaction.get("type") is not None else 0
    reader = _READERS.get(transaction_type)
    if reader is None:
        raise UnknownTransactionType(transaction_type)
    return reader(transaction)


def _legacy(transaction: JsonObject) -> LegacyTransaction:
    v = quantity(transaction, "v")
    if v not in (27, 28) and v < 35:
        raise MalformedField("v", "27, 28 or at least 35 (EIP-155)", transaction["v"])
    return LegacyTransaction(
        nonce=quantity(transaction, "nonce", 8),
        gas_price=quantity(transaction, "gasPrice"),
        gas_limit=quantity(transaction, "gas", 8),
        to=optional(transaction, "to", _address),
        value=quantity(transaction, "value"),
        data=data(transaction, "input"),
        v=v,
        r=quantity(transaction, "r"),
        s=quantity(transaction, "s"),
    )


def _access_list_transaction(transaction: JsonObject) -> AccessListTransaction:
    return AccessListTransaction(
        chain_id=quantity(transaction, "chainId"),
        nonce=quantity(transaction, "nonce", 8),
        gas_price=quantity(transaction, "gasPrice"),
        gas_limit=quantity(transaction, "gas", 8),
        to=optional(transaction, "to", _address),
        value=quantity(transaction, "value"),
        data=data(transaction, "input"),
        access_list=_access_list(transaction),
        y_parity=_y_parity(transaction),
        r=quantity(transaction, "r"),
        s=quantity(transaction, "s"),
    )


def _dynamic_fee(transaction: JsonObject) -> DynamicFeeTransaction:
    return DynamicFeeTransaction(
        chain_id=quantity(transaction, "chainId"),
        nonce=quantity(transaction, "nonce", 8),
        max_priority_fee_per_gas=quantity(transaction, "maxPriorityFeePerGas"),
        max_fee_per_gas=quantity(transaction, "maxFeePerGas"),
        gas_limit=quantity(transaction, "gas", 8),
        to=optional(transaction, "to", _address),
        value=quantity(transaction, "value"),
        data=data(transaction, "input"),
        access_list=_access_list(transaction),
        y_parity=_y_parity(transaction),
        r=quantity(transaction, "r"),
        s=quantity(transaction, "s"),
    )


def _blob(transaction: JsonObject) -> BlobTransaction:
    hashes = elements(transaction, "blobVersionedHashes")
    return BlobTransaction(
        chain_id=quantity(transaction, "chainId"),
        nonce=quantity(transaction, "nonce", 8),
        max_priority_fee_per_gas=quantity(transaction, "maxPriorityFeePerGas"),
        max_fee_per_gas=quantity(transaction, "maxFeePerGas"),
        gas_limit=quantity(transaction, "gas", 8),
        to=_address(transaction, "to"),
        value=quantity(transaction, "value"),
        data=data(transaction, "input"),
        access_list=_access_list(transaction),
        max_fee_per_blob_gas=quantity(transaction, "maxFeePerBlobGas"),
        blob_versioned_hashes=tuple(as_data(versioned_hash, "blobVersionedHashes", 32) for versioned_hash in hashes),
        y_parity=_y_parity(transaction),
        r=quantity(transaction, "r"),
        s=quantity(transaction, "s"),
    )


def _set_code(transaction: JsonObject) -> SetCodeTransaction:
    return SetCodeTransaction(
        chain_id=quantity(transaction, "chainId"),
        nonce=quantity(transaction, "nonce", 8),
        max_priority_fee_per_gas=quantity(transaction, "maxPriorityFeePerGas"),
        max_fee_per_gas=quantity(transaction, "maxFeePerGas"),
        gas_limit=quantity(transaction, "gas", 8),
        to=_address(transaction, "to"),
        value=quantity(transaction, "value"),
        data=data(transaction, "input"),
        access_list=_access_list(transaction),
        authorization_list=tuple(_authorization(item) for item in objects(transaction, "authorizationList")),
        y_parity=_y_parity(transaction),
        r=quantity(transaction, "r"),
        s=quantity(transaction, "s"),
    )


def _authorization(item: JsonObject) -> Authorization:
    return Authorization(
        chain_id=quantity(item, "chainId"),
        address=data(item, "address", 20),
        nonce=quantity(item, "nonce", 8),
        y_parity=quantity(item, "yParity", 1),
        r=quantity(item, "r"),
        s=quantity(item, "s"),
    )


def _access_list(transaction: JsonObject) -> AccessList:
    return tuple(
        (data(entry, "address", 20), tuple(as_data(key, "storageKeys", 32) for key in elements(entry, "storageKeys")))
        for entry in objects(transaction, "accessList")
    )


def _y_parity(transaction: JsonObject) -> int:
    """Older endpoints give the parity of typed transactions as `v` alone; where both are given they must agree."""
    fields = [field for field in ("yParity", "v") if transaction.get(field) is not None]
    values = {quantity(transaction, field, 1) for field in fields}
    if len(values) != 1:
        raise MalformedField("yParity", "a parity that agrees with v", transaction.get("yParity"))
    return values.pop()


def _address(container: JsonObject, field: str) -> bytes:
    return data(container, field, 20)


_READERS: Final[dict[int, Callable[[JsonObject], SignedTransaction]]] = {
    0: _legacy,
    1: _access_list_transaction,
    2: _dynamic_fee,
    3: _blob,
    4: _set_code,
}
