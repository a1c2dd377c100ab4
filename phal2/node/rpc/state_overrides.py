"""The overrides of eth_call and eth_estimateGas.

Another state and another block than the chain has (geth's override sets).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import parse_data, parse_fixed_data, parse_quantity, type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_address, parse_hash
from phal2.node.state.database import OverlayDatabase, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.world_state import WorldState

MAXIMUM_ACCOUNTS: Final = 1_000
MAXIMUM_SLOTS: Final = 100_000

_ACCOUNT_FIELDS: Final = frozenset({"balance", "nonce", "code", "state", "stateDiff"})


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What an account is to have instead.

    None leaves it. `storage` replaces the whole storage, `storage_changes` words.
    """

    balance: int | None
    nonce: int | None
    code: bytes | None
    storage: Mapping[int, int] | None
    storage_changes: Mapping[int, int] | None


def apply_state_overrides(
    database: StateDatabase, state_root: bytes, overrides: Mapping[bytes, AccountOverride]
) -> tuple[StateDatabase, bytes]:
    """Return a database and a root under which the overrides hold; the given ones where there are none."""
    if not overrides:
        return database, state_root
    state = WorldState(database, state_root)
    for address, override in overrides.items():
        _override_account(state, address, override)
    update = state.commit()
    return OverlayDatabase(update, database), update.state_root


def parse_state_overrides(value: Any) -> dict[bytes, AccountOverride]:
    """Read {address: {balance, nonce, code, state | stateDiff}}; raise `InvalidArgument`."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object of overrides by address, got {type_name(value)}")
    if len(value) > MAXIMUM_ACCOUNTS:
        raise InvalidArgument(f"overrides of {len(value)} accounts, at most {MAXIMUM_ACCOUNTS} are allowed")
    return {parse_address(address): _account_override(override) for address, override in value.items()}


def parse_block_overrides(value: Any) -> dict[str, Any]:
    """Read {number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas}; return environment fields by name."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object of block overrides, got {type_name(value)}")
    fields: dict[str, Any] = {}
    for name, given in value.items():
        if given is None:
            continue
        if name not in _BLOCK_FIELDS:
            raise InvalidArgument(
                f"block override {name[:40]!r} is not supported; known are {', '.join(_BLOCK_FIELDS)}"
            )
        field, parse = _BLOCK_FIELDS[name]
        fields[field] = parse(given)
    return fields


StateOverrides = Annotated[
    Mapping[bytes, AccountOverride],
    ParameterType(parse_state_overrides, {"title": "state overrides", "type": "object"}),
]
BlockOverrides = Annotated[
    Mapping[str, Any], ParameterType(parse_block_overrides, {"title": "block overrides", "type": "object"})
]


def apply_block_overrides(environment: BlockEnvironment, overrides: Mapping[str, Any] | None) -> BlockEnvironment:
    """Return the environment with the overrides' values."""
    return replace(environment, **overrides) if overrides else environment


def _account_override(value: Any) -> AccountOverride:
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an account override, got {type_name(value)}")
    unknown = value.keys() - _ACCOUNT_FIELDS
    if unknown:
        raise InvalidArgument(f"account override {min(unknown)[:40]!r} is not supported")
    if value.get("state") is not None and value.get("stateDiff") is not None:
        raise InvalidArgument("account has both 'state' and 'stateDiff'")
    return AccountOverride(
        balance=_read(value, "balance", _uint256),
        nonce=_read(value, "nonce", lambda given: parse_quantity(given, 64)),
        code=_read(value, "code", parse_data),
        storage=_read(value, "state", _words),
        storage_changes=_read(value, "stateDiff", _words),
    )


def _override_account(state: WorldState, address: bytes, override: AccountOverride) -> None:
    if override.storage is not None:
        _clear_storage(state, address)
    if override.nonce is not None:
        state.set_nonce(address, override.nonce)
    if override.balance is not None:
        state.set_balance(address, override.balance)
    if override.code is not None:
        state.set_code(address, override.code)
    for slot, word in (override.storage or override.storage_changes or {}).items():
        state.set_storage(address, slot, word)


def _clear_storage(state: WorldState, address: bytes) -> None:
    """Put an account without storage in place of the one there is."""
    balance, nonce, code = state.balance(address), state.nonce(address), state.code(address)
    state.mark_destroyed(address)
    state.end_transaction()
    state.set_balance(address, balance)
    state.set_nonce(address, nonce)
    if code:
        state.set_code(address, code)


def _read(fields: Mapping[str, Any], name: str, parse: Any) -> Any:
    value = fields.get(name)
    return None if value is None else parse(value)


def _uint256(value: Any) -> int:
    return parse_quantity(value, 256)


def _uint64(value: Any) -> int:
    return parse_quantity(value, 64)


def _words(value: Any) -> dict[int, int]:
    if not isinstance(value, dict) or len(value) > MAXIMUM_SLOTS:
        raise InvalidArgument(f"expected an object of at most {MAXIMUM_SLOTS} words by slot")
    return {int.from_bytes(parse_hash(slot), "big"): _word(word) for slot, word in value.items()}


def _word(value: Any) -> int:
    return int.from_bytes(parse_fixed_data(value, 32), "big")


_BLOCK_FIELDS: Final = {
    "number": ("number", _uint64),
    "time": ("timestamp", _uint64),
    "gasLimit": ("gas_limit", _uint64),
    "feeRecipient": ("coinbase", parse_address),
    "prevRandao": ("prev_randao", parse_hash),
    "baseFeePerGas": ("base_fee_per_gas", _uint256),
}
