"""Offers the namespace `migration` at a node's JSON-RPC server."""

from typing import Annotated, Any, Final

from phal2.bridge.migration.errors import InvalidAccount
from phal2.bridge.migration.namespace import MigrationNamespace
from phal2.bridge.migration.ss58 import parse_account
from phal2.bridge.migration.tree import MigrationTree
from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.rpc.block_environment import call_context
from phal2.node.rpc.block_reference import LATEST
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import type_name
from phal2.node.rpc.limits import GAS_CAP
from phal2.node.rpc.parameter_types import ParameterType
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, HASH, QUANTITY, fields, list_of
from phal2.node.rpc.revert_reason import call_error
from phal2.node.rpc.workers import Workers
from phal2.node.state.call import CallRequest, execute_call

_STATUS: Final = fields({"root": HASH, **dict.fromkeys(("total", "claimed", "deadline", "backing"), QUANTITY)})
_LEAF: Final = fields(
    {"accountId": HASH, "free": QUANTITY, "staked": QUANTITY, "proof": list_of(HASH), "claimed": BOOLEAN}
)


def _parse_account(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"expected an account id as hex or SS58 address, got {type_name(value)}")
    try:
        parse_account(value)
    except InvalidAccount as error:
        raise InvalidArgument(str(error)) from None
    return value


Account = Annotated[str, ParameterType(_parse_account, {"title": "account id or SS58 address", "type": "string"})]


def register_migration_methods(
    registry: MethodRegistry, chain: ChainService, workers: Workers, tree: MigrationTree | None
) -> None:
    """Offer migration_status and migration_getLeaf for an L2; without a tree getLeaf says how to load one."""

    async def call(to: bytes, call_data: bytes, /) -> bytes:
        environment, state_root = call_context(chain, LATEST)
        request = CallRequest(sender=ZERO_ADDRESS, to=to, data=call_data, gas_limit=GAS_CAP)
        result = await workers.run(
            execute_call, chain.rules, environment, chain.store, state_root, chain.store, request, chain.verdicts
        )
        if not result.succeeded:
            raise call_error(result)
        return result.return_data

    namespace = MigrationNamespace(tree, call)

    async def get_leaf(account: Account) -> dict[str, Any]:
        return await namespace.get_leaf(account)

    registry.add("migration_status", namespace.status, result=_STATUS)
    registry.add("migration_getLeaf", get_leaf, result=_LEAF)
