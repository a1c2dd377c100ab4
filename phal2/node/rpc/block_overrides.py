"""The block overrides of calls and simulations: another block than the chain has (geth's override sets)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from phal2.node.rpc.errors import INVALID_PARAMS, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import parse_uint64, parse_uint256, type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_address, parse_hash
from phal2.node.state.environment import BlockEnvironment


@dataclass(frozen=True, slots=True)
class BlockOverride:
    """What a block is to have instead; None leaves it. Prices are in wei."""

    number: int | None = None
    timestamp: int | None = None
    gas_limit: int | None = None
    coinbase: bytes | None = None
    prev_randao: bytes | None = None
    base_fee_per_gas: int | None = None
    blob_base_fee: int | None = None
    parent_beacon_block_root: bytes | None = None

    def apply(self, environment: BlockEnvironment) -> BlockEnvironment:
        """Return the environment with the overrides' values; the price of blobs is no part of it."""
        if self is NO_BLOCK_OVERRIDE:
            return environment
        fields = {name: getattr(self, name) for name in _ENVIRONMENT_FIELDS}
        return replace(environment, **{name: value for name, value in fields.items() if value is not None})

    def require_call(self) -> None:
        """Raise `RpcError` for what has no meaning where a call is made in the block, as it is before its calls."""
        if self.parent_beacon_block_root is not None:
            message = 'block override "beaconRoot" is not supported for this RPC method'
            raise RpcError(INVALID_PARAMS, message)


NO_BLOCK_OVERRIDE: Final = BlockOverride()

_ENVIRONMENT_FIELDS: Final = ("number", "timestamp", "gas_limit", "coinbase", "prev_randao", "base_fee_per_gas")


def parse_block_override(value: Any) -> BlockOverride:
    """Read {number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas, blobBaseFee, beaconRoot}."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object of block overrides, got {type_name(value)}")
    fields: dict[str, Any] = {}
    for name, given in value.items():
        if given is None or (name == "withdrawals" and given == []) or name == "difficulty":
            # No block of this chain has withdrawals or a difficulty.
            continue
        if name not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise InvalidArgument(f"block override {name[:40]!r} is not supported; known are {known}")
        field, parse = _FIELDS[name]
        fields[field] = parse(given)
    return BlockOverride(**fields)


BlockOverrides = Annotated[
    BlockOverride, ParameterType(parse_block_override, {"title": "block overrides", "type": "object"})
]


_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "number": ("number", parse_uint64),
    "time": ("timestamp", parse_uint64),
    "gasLimit": ("gas_limit", parse_uint64),
    "feeRecipient": ("coinbase", parse_address),
    "prevRandao": ("prev_randao", parse_hash),
    "baseFeePerGas": ("base_fee_per_gas", parse_uint256),
    "blobBaseFee": ("blob_base_fee", parse_uint256),
    "beaconRoot": ("parent_beacon_block_root", parse_hash),
}
