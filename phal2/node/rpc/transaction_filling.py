"""What a transaction lacks that a client asks for: its type, nonce, fees and gas, as eth_sendTransaction fills them."""

from dataclasses import dataclass
from typing import Annotated, Any

from phal2.node.protocol.transactions import ACCESS_LIST, ATTESTED, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE
from phal2.node.rpc.blob_price import blob_gas_price
from phal2.node.rpc.call_arguments import CallArguments, parse_call
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import INVALID_PARAMS, SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import parse_quantity
from phal2.node.rpc.namespaces.eth_calls import require_chain
from phal2.node.rpc.parameter_types import ParameterType
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.unsigned_transaction import TransactionFields
from phal2.node.state.rules import L2Rules


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """A transaction as a client asks for it; the type is None where its fields are to tell it."""

    call: CallArguments
    transaction_type: int | None


def parse_transaction_request(value: Any) -> TransactionRequest:
    """Read a transaction object; raise `InvalidArgument`."""
    call, given = parse_call(value), value.get("type")
    if value.get("blobs"):
        raise InvalidArgument(
            "field blobs: the node takes no blobs here; give blobVersionedHashes, and send the signed transaction with "
            "its blobs by eth_sendRawTransaction"
        )
    if type(given) is int and 0 <= given < 0x80:
        # web3.py sends the type of a transaction that it changes as it keeps it, as a number.
        return TransactionRequest(call, given)
    try:
        transaction_type = None if given is None else parse_quantity(given, 8)
    except InvalidArgument as error:
        raise InvalidArgument(f"field type: {error}") from None
    return TransactionRequest(call, transaction_type)


Request = Annotated[
    TransactionRequest, ParameterType(parse_transaction_request, {"title": "transaction object", "type": "object"})
]


class TransactionFiller:
    """Fills in transactions of a chain. `registry` has its methods: gas is estimated as for any client."""

    def __init__(self, chain: ChainService, registry: MethodRegistry) -> None:
        self._chain = chain
        self._registry = registry

    async def fill(self, request: TransactionRequest, sender: bytes) -> TransactionFields:
        """Return the fields of the sender's next transaction; raise `RpcError` where there is none like it."""
        call, chain_id = request.call, self._chain.chain_id
        require_chain(call, chain_id)
        if call.to is None and not call.data:
            raise RpcError(SERVER_ERROR, "contract creation without any data provided")
        transaction_type = type_of(request)
        if transaction_type == BLOB and isinstance(self._chain.rules, L2Rules):
            raise RpcError(SERVER_ERROR, "transaction type not supported: 0x03; L2 has no blobs, send it on L1")
        tip, max_fee = self._fees(call, transaction_type)
        nonce = self._chain.pending_nonce(sender) if call.nonce is None else call.nonce
        gas_limit = call.gas
        if gas_limit is None:
            # Without a price the estimate does not ask for a balance that pays it at the most.
            estimated = call._replace(
                sender=sender, nonce=nonce, gas_price=None, max_fee_per_gas=None, max_priority_fee_per_gas=None
            )
            gas_limit = int(await self._registry.call("eth_estimateGas", estimated), 16)
        return TransactionFields(
            transaction_type=transaction_type,
            chain_id=chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=tip,
            max_fee_per_gas=max_fee,
            gas_limit=gas_limit,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=call.access_list,
            authorization_list=call.authorization_list,
            attestation=call.attestation,
            max_fee_per_blob_gas=self._blob_fee(call),
            blob_versioned_hashes=call.blob_versioned_hashes,
        )

    def _fees(self, call: CallArguments, transaction_type: int) -> tuple[int, int]:
        """Return the tip and the most per gas: the client's, else twice the base fee and the advised tip."""
        base_fee, advice = self._chain.pending_environment().base_fee_per_gas, self._chain.suggested_priority_fee()
        if transaction_type in (LEGACY, ACCESS_LIST):
            price = 2 * base_fee + advice if call.gas_price is None else call.gas_price
            return price, price
        tip = call.max_priority_fee_per_gas
        if tip is None:
            tip = advice if call.max_fee_per_gas is None else min(advice, call.max_fee_per_gas)
        max_fee = 2 * base_fee + tip if call.max_fee_per_gas is None else call.max_fee_per_gas
        if max_fee < tip:
            raise RpcError(SERVER_ERROR, f"maxFeePerGas ({max_fee}) < maxPriorityFeePerGas ({tip})")
        return tip, max_fee

    def _blob_fee(self, call: CallArguments) -> int:
        """Return the most per blob gas: the client's, else twice the present price, as in geth."""
        if call.max_fee_per_blob_gas is not None:
            return call.max_fee_per_blob_gas
        return 2 * blob_gas_price(self._chain.rules, self._chain.pending_environment().excess_blob_gas)


def type_of(request: TransactionRequest) -> int:
    """Return the type that the fields tell, or the one asked for where they fit it; else raise `RpcError`."""
    call, asked_for = request.call, request.transaction_type
    has_fee_cap = call.max_fee_per_gas is not None or call.max_priority_fee_per_gas is not None
    if call.attestation is not None:
        possible: tuple[int, ...] = (ATTESTED,)
    elif call.authorization_list:
        possible = (SET_CODE,)
    elif call.blob_versioned_hashes:
        possible = (BLOB,)
    elif call.gas_price is not None:
        possible = (ACCESS_LIST,) if call.access_list else (LEGACY, ACCESS_LIST)
    elif has_fee_cap:
        possible = (DYNAMIC_FEE,)
    else:
        possible = (DYNAMIC_FEE, ACCESS_LIST) if call.access_list else (DYNAMIC_FEE, LEGACY, ACCESS_LIST)
    if call.gas_price is not None and possible[0] not in (LEGACY, ACCESS_LIST):
        raise RpcError(
            INVALID_PARAMS,
            f"gasPrice is no field of type {possible[0]:#x}, which the transaction's other fields are those of; "
            "give maxFeePerGas and maxPriorityFeePerGas",
        )
    if asked_for is None:
        return possible[0]
    if asked_for not in possible:
        raise RpcError(
            INVALID_PARAMS,
            f"the transaction's fields are those of type {' or '.join(map(hex, possible))}, "
            f"but its type is {asked_for:#x}; leave out the type, or the fields that are not its own",
        )
    return asked_for
