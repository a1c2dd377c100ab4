"""The search for the access list of a call (eth_createAccessList), as geth does it."""

from dataclasses import dataclass
from typing import Any, Final

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.transactions import AccessList
from phal2.node.rpc.call_context import CallContext
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.revert_reason import call_error
from phal2.node.state.call import CallRequest, CallResult
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import block_rules

MAXIMUM_ROUNDS: Final = 16
"""A contract whose accesses depend on gas may never settle; then the last list found is the answer."""


@dataclass(frozen=True, slots=True)
class FoundAccessList:
    """An access list, and what the call gave with it."""

    access_list: AccessList
    result: CallResult


def find_access_list(request: CallRequest, context: CallContext) -> FoundAccessList:
    """Run the call with what it accessed before until it accesses no more. Raises `RpcError` where it cannot begin."""
    given = request.access_list
    request = request._replace(tells_accessed=True)
    free = _free_addresses(request, context)
    for _ in range(MAXIMUM_ROUNDS):
        try:
            result = context.execute(request)
        except InvalidTransaction as error:
            raise RpcError(SERVER_ERROR, f"err: {error} (supplied gas {request.gas_limit})") from None
        accessed = _accessed(result, given, free)
        if accessed == request.access_list:
            break
        request = request._replace(access_list=accessed)
    return FoundAccessList(accessed, result)


def format_access_list(found: FoundAccessList) -> dict[str, Any]:
    """Return {accessList, gasUsed}, and the error where the call failed."""
    fields: dict[str, Any] = {
        "accessList": [
            {"address": data(address), "storageKeys": [data(key) for key in keys]}
            for address, keys in found.access_list
        ],
        "gasUsed": quantity(found.result.gas_used),
    }
    if not found.result.succeeded:
        fields["error"] = call_error(found.result).message
    return fields


def _accessed(result: CallResult, given: AccessList, free: frozenset[bytes]) -> AccessList:
    addresses, slots = result.accessed
    keys: dict[bytes, set[bytes]] = {address: set() for address in addresses if address not in free}
    for address, listed in given:
        keys.setdefault(address, set()).update(listed)
    for address, slot in slots:
        keys.setdefault(address, set()).add(slot.to_bytes(32, "big"))
    return tuple((address, tuple(sorted(keys[address]))) for address in sorted(keys))


def _free_addresses(request: CallRequest, context: CallContext) -> frozenset[bytes]:
    """Return the addresses that are warm from the start, so that listing them alone would only cost gas."""
    nonce = context.state().nonce(request.sender) if request.nonce is None else request.nonce
    to = contract_address(request.sender, nonce) if request.to is None else request.to
    precompiles = precompiles_of(block_rules(context.rules, context.environment.timestamp))
    return frozenset((request.sender, to, context.environment.coinbase, *precompiles))
