"""The call object of eth_call and its like (execution-apis, "GenericTransaction"), and the request it makes."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.attestation.errors import MalformedAttestationObject
from phal2.node.attestation.presentation import parse_attestation_object
from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.transactions import AccessList, Attestation, Authorization
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import parse_data, parse_fixed_data, parse_quantity, type_name
from phal2.node.rpc.parameter_types import ParameterType, list_of, parse_address, parse_hash
from phal2.node.state.call import CallRequest
from phal2.node.state.transaction_errors import FeeCapBelowBaseFee, TipAboveFeeCap

MAXIMUM_ACCESS_LIST_ENTRIES: Final = 10_000
MAXIMUM_AUTHORIZATIONS: Final = 1_000
MAXIMUM_BLOBS: Final = 64


@dataclass(frozen=True, slots=True)
class CallArguments:
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
    fields = _Fields(value)
    gas_price, max_fee, tip = (fields.uint256(name) for name in ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"))
    if gas_price is not None and (max_fee is not None or tip is not None):
        raise InvalidArgument("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    return CallArguments(
        sender=fields.read("from", parse_address),
        to=fields.read("to", parse_address),
        data=_call_data(fields),
        value=fields.uint256("value") or 0,
        gas=fields.uint64("gas"),
        gas_price=gas_price,
        max_fee_per_gas=max_fee,
        max_priority_fee_per_gas=tip,
        nonce=fields.uint64("nonce"),
        chain_id=fields.uint256("chainId"),
        access_list=fields.read("accessList", _access_list) or (),
        authorization_list=fields.read("authorizationList", _authorization_list) or (),
        attestation=fields.read("attestation", _attestation),
        max_fee_per_blob_gas=fields.uint256("maxFeePerBlobGas"),
        blob_versioned_hashes=fields.read("blobVersionedHashes", list_of(parse_hash, MAXIMUM_BLOBS)) or (),
    )


Call = Annotated[CallArguments, ParameterType(parse_call, {"title": "call object", "type": "object"})]


@dataclass(frozen=True, slots=True)
class _Fields:
    """Reads fields of a JSON object; errors say which field was wrong."""

    content: dict[str, Any]

    def read(self, name: str, parse: Any) -> Any:
        value = self.content.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except InvalidArgument as error:
            raise InvalidArgument(f"field {name}: {error}") from None

    def uint64(self, name: str) -> int | None:
        value: int | None = self.read(name, lambda value: parse_quantity(value, 64))
        return value

    def uint256(self, name: str) -> int | None:
        value: int | None = self.read(name, lambda value: parse_quantity(value, 256))
        return value

    def required_uint(self, name: str, bits: int) -> int:
        value = self.read(name, lambda value: parse_quantity(value, bits))
        if value is None:
            raise InvalidArgument(f"missing required field '{name}'")
        return int(value)


def _call_data(fields: _Fields) -> bytes:
    data, given_input = fields.read("data", parse_data), fields.read("input", parse_data)
    if data is not None and given_input is not None and data != given_input:
        raise InvalidArgument(
            'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'
        )
    return next((given for given in (given_input, data) if given is not None), b"")


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
    fields = _Fields(value)
    return Authorization(
        chain_id=fields.required_uint("chainId", 256),
        address=parse_fixed_data(value.get("address"), 20),
        nonce=fields.required_uint("nonce", 64),
        y_parity=fields.required_uint("yParity", 8),
        r=fields.required_uint("r", 256),
        s=fields.required_uint("s", 256),
    )


def _attestation(value: Any) -> Attestation:
    try:
        return parse_attestation_object(value)
    except MalformedAttestationObject as error:
        raise InvalidArgument(str(error)) from None
