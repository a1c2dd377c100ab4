"""The call object of eth_call and its like (execution-apis, "GenericTransaction"), and the request it makes."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple

from phal2.node.attestation.errors import MalformedAttestationObject
from phal2.node.attestation.presentation import parse_attestation_object
from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.transactions import AccessList, Attestation, Authorization
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import (
    parse_data,
    parse_fixed_data,
    parse_quantity,
    parse_uint64,
    parse_uint256,
    type_name,
)
from phal2.node.rpc.parameter_types import ParameterType, list_of, parse_address, parse_hash
from phal2.node.state.call import CallRequest
from phal2.node.state.transaction_errors import FeeCapBelowBaseFee, TipAboveFeeCap

MAXIMUM_ACCESS_LIST_ENTRIES: Final = 10_000
MAXIMUM_AUTHORIZATIONS: Final = 1_000
MAXIMUM_BLOBS: Final = 64


class CallArguments(NamedTuple):
    """What a client gave; None where it left a field out. Amounts are in wei."""

    sender: bytes | None = None
    to: bytes | None = None
    data: bytes = b""
    value: int = 0
    gas: int | None = None
    gas_price: int | None = None
    max_fee_per_gas: int | None = None
    max_priority_fee_per_gas: int | None = None
    nonce: int | None = None
    chain_id: int | None = None
    access_list: AccessList = ()
    authorization_list: tuple[Authorization, ...] = ()
    attestation: Attestation | None = None
    max_fee_per_blob_gas: int | None = None
    blob_versioned_hashes: tuple[bytes, ...] = ()

    @property
    def fee_cap(self) -> int:
        """The most that the call pays per gas; 0 where no price is given, and nothing is charged."""
        cap = self.max_fee_per_gas if self.gas_price is None else self.gas_price
        return 0 if cap is None else cap

    def effective_gas_price(self, base_fee_per_gas: int) -> int:
        """Return what the call pays per gas; 0 where no price is given.

        Raises `TipAboveFeeCap` or `FeeCapBelowBaseFee` for a price that no transaction could have.
        """
        cap, tip = self.fee_cap, self.max_priority_fee_per_gas or 0
        if not cap and (self.max_fee_per_gas is not None or not tip):
            if tip:
                raise TipAboveFeeCap(tip, cap)
            return 0
        if self.gas_price is None and self.max_fee_per_gas is None:
            return base_fee_per_gas + tip
        if tip > cap:
            raise TipAboveFeeCap(tip, cap)
        if cap < base_fee_per_gas:
            sender = ZERO_ADDRESS if self.sender is None else self.sender
            raise FeeCapBelowBaseFee(sender, cap, base_fee_per_gas)
        return cap if self.gas_price is not None else min(cap, base_fee_per_gas + tip)

    def request(self, gas_limit: int, base_fee_per_gas: int) -> CallRequest:
        """Return the call with `gas_limit`; raise `TipAboveFeeCap` or `FeeCapBelowBaseFee` (`effective_gas_price`)."""
        return CallRequest(
            sender=ZERO_ADDRESS if self.sender is None else self.sender,
            to=self.to,
            data=self.data,
            value=self.value,
            gas_limit=gas_limit,
            gas_price=self.effective_gas_price(base_fee_per_gas),
            max_fee_per_gas=self.fee_cap,
            access_list=self.access_list,
            authorization_list=self.authorization_list,
            attestation=self.attestation,
            nonce=self.nonce,
            blob_versioned_hashes=self.blob_versioned_hashes,
        )


def parse_call(value: Any) -> CallArguments:
    """Read a call object; raise `InvalidArgument`. Unknown fields are left alone, as geth does."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected a call object, got {type_name(value)}")
    fields: dict[str, Any] = {}
    for name, given in value.items():
        field = _FIELDS.get(name)
        if field is not None and given is not None:
            try:
                fields[field[0]] = field[1](given)
            except InvalidArgument as error:
                raise InvalidArgument(f"field {name}: {error}") from None
    if "gas_price" in fields and ("max_fee_per_gas" in fields or "max_priority_fee_per_gas" in fields):
        raise InvalidArgument("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    given_input = fields.pop("input", None)
    if given_input is not None and fields.setdefault("data", given_input) != given_input:
        raise InvalidArgument(
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'
        )
    return CallArguments(**fields)


Call = Annotated[CallArguments, ParameterType(parse_call, {"title": "call object", "type": "object"})]


def _access_list(value: Any) -> AccessList:
    if not isinstance(value, list) or len(value) > MAXIMUM_ACCESS_LIST_ENTRIES:
        raise InvalidArgument(f"expected an array of at most {MAXIMUM_ACCESS_LIST_ENTRIES} entries")
    return tuple(_access_list_entry(entry) for entry in value)


def _access_list_entry(value: Any) -> tuple[bytes, tuple[bytes, ...]]:
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an entry {{address, storageKeys}}, got {type_name(value)}")
    keys = value.get("storageKeys") or []
    if not isinstance(keys, list):
        raise InvalidArgument(f"storageKeys: expected an array, got {type_name(keys)}")
    return parse_address(value.get("address")), tuple(parse_hash(key) for key in keys)


def _authorization_list(value: Any) -> tuple[Authorization, ...]:
    if not isinstance(value, list) or len(value) > MAXIMUM_AUTHORIZATIONS:
        raise InvalidArgument(f"expected an array of at most {MAXIMUM_AUTHORIZATIONS} authorizations")
    return tuple(_authorization(item) for item in value)


def _authorization(value: Any) -> Authorization:
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an authorization, got {type_name(value)}")
    return Authorization(
        chain_id=_required_uint(value, "chainId", 256),
        address=parse_fixed_data(value.get("address"), 20),
        nonce=_required_uint(value, "nonce", 64),
        y_parity=_required_uint(value, "yParity", 8),
        r=_required_uint(value, "r", 256),
        s=_required_uint(value, "s", 256),
    )


def _required_uint(fields: dict[str, Any], name: str, bits: int) -> int:
    value = fields.get(name)
    if value is None:
        raise InvalidArgument(f"missing required field '{name}'")
    try:
        return parse_quantity(value, bits)
    except InvalidArgument as error:
        raise InvalidArgument(f"field {name}: {error}") from None


def _attestation(value: Any) -> Attestation:
    try:
        return parse_attestation_object(value)
    except MalformedAttestationObject as error:
        raise InvalidArgument(str(error)) from None


_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "from": ("sender", parse_address),
    "to": ("to", parse_address),
    "data": ("data", parse_data),
    "input": ("input", parse_data),
    "value": ("value", parse_uint256),
    "gas": ("gas", parse_uint64),
    "gasPrice": ("gas_price", parse_uint256),
    "maxFeePerGas": ("max_fee_per_gas", parse_uint256),
    "maxPriorityFeePerGas": ("max_priority_fee_per_gas", parse_uint256),
    "nonce": ("nonce", parse_uint64),
    "chainId": ("chain_id", parse_uint256),
    "accessList": ("access_list", _access_list),
    "authorizationList": ("authorization_list", _authorization_list),
    "attestation": ("attestation", _attestation),
    "maxFeePerBlobGas": ("max_fee_per_blob_gas", parse_uint256),
    "blobVersionedHashes": ("blob_versioned_hashes", list_of(parse_hash, MAXIMUM_BLOBS)),
}
"""The field of `CallArguments`, and how it is read, by its name in JSON. "input" is another name of "data"."""
