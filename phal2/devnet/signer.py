"""Turns a call of a dev account into a signed transaction, and signs messages."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import (
    ACCESS_LIST,
    ATTESTED,
    DYNAMIC_FEE,
    LEGACY,
    SET_CODE,
    AccessListTransaction,
    AttestedTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.errors import RpcError, invalid_params

_MESSAGE_PREFIX: Final = b"\x19Ethereum Signed Message:\n"
_UNSIGNED: Final = {"y_parity": 0, "r": 0, "s": 0}


def transaction_type_of(call: CallArguments, asked_for: int | None) -> int:
    """Return the type that a call's fields ask for; raise `RpcError` where they do not fit the type asked for."""
    if call.attestation is not None:
        implied = ATTESTED
    elif call.authorization_list:
        implied = SET_CODE
    elif call.gas_price is not None:
        implied = ACCESS_LIST if call.access_list else LEGACY
    else:
        implied = DYNAMIC_FEE
    if asked_for is None or asked_for == implied:
        return implied
    has_new_fees = call.max_fee_per_gas is not None or call.max_priority_fee_per_gas is not None
    fitting: tuple[int, ...] = ()
    if implied == LEGACY:
        fitting = (ACCESS_LIST,)
    elif implied == DYNAMIC_FEE and not has_new_fees:
        # Nothing but what every type has; the missing price is filled in.
        fitting = (ACCESS_LIST,) if call.access_list else (LEGACY, ACCESS_LIST)
    if asked_for not in fitting:
        raise invalid_params(
            f"the transaction's fields are those of type {implied:#x}, but type {asked_for:#x} is asked for; "
            "leave out the type or the other fields"
        )
    return asked_for


def unsigned_transaction(call: CallArguments, transaction_type: int) -> SignedTransaction:
    """Return the transaction of a call, all of whose fields are there, with an empty signature.

    Raises `RpcError` for a creation of a type that has none.
    """
    common = {"nonce": call.nonce, "gas_limit": call.gas, "value": call.value, "data": call.data, "to": call.to}
    price = {"gas_price": call.gas_price}
    fees = {"max_fee_per_gas": call.max_fee_per_gas, "max_priority_fee_per_gas": call.max_priority_fee_per_gas}
    typed = {"chain_id": call.chain_id, "access_list": call.access_list, **_UNSIGNED}
    if transaction_type == LEGACY:
        return LegacyTransaction(**common, **price, v=35 + 2 * call.chain_id, r=0, s=0)
    return AccessListTransaction(**common, **price, **typed)
