"""The state overrides of calls and simulations: another state than the chain has (geth's override sets)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import parse_data, parse_fixed_data, parse_quantity, parse_uint256, type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_address, parse_hash
from phal2.node.state.database import OverlayDatabase, StateDatabase, StateUpdate
from phal2.node.state.precompiles.precompile import Precompile
from phal2.node.state.world_state import WorldState

MAXIMUM_ACCOUNTS: Final = 1_000
MAXIMUM_SLOTS: Final = 100_000

_ACCOUNT_FIELDS: Final = frozenset({"balance", "nonce", "code", "state", "stateDiff", "movePrecompileToAddress"})


@dataclass(frozen=True, slots=True)
class AccountOverride:
    """What an account is to have instead; None leaves it.

    `storage` replaces the whole storage, `storage_changes` words. `moved_precompile` is where the precompiled contract
    of this address is to be instead.
    """

    balance: int | None
    nonce: int | None
    code: bytes | None
    storage: Mapping[int, int] | None
    storage_changes: Mapping[int, int] | None
    moved_precompile: bytes | None


def apply_state_overrides(
    database: StateDatabase, state_root: bytes, overrides: Mapping[bytes, AccountOverride]
) -> tuple[StateDatabase, bytes]:
    """Return a database and a root under which the overrides hold; the given ones where there are none."""
    if not overrides:
        return database, state_root
    update = overridden_state(database, state_root, overrides)
    return OverlayDatabase(update, database), update.state_root


def overridden_state(
    database: StateDatabase, state_root: bytes, overrides: Mapping[bytes, AccountOverride]
) -> StateUpdate:
    """Return what the overrides make of the state under `state_root`."""
    state = WorldState(database, state_root)
    for address, override in overrides.items():
        _override_account(state, address, override)
    return state.commit()


def overridden_precompiles(
    precompiles: Mapping[bytes, Precompile], overrides: Mapping[bytes, AccountOverride]
) -> Mapping[bytes, Precompile] | None:
    """Return the precompiled contracts by address as the overrides have them; None where they leave them all.

    An account that is overridden is no precompiled contract any more. Raises `RpcError` for a move that cannot be.
    """
    moved = {address: override.moved_precompile for address, override in overrides.items()}
    if not any(target is not None or address in precompiles for address, target in moved.items()):
        return None
    changed = dict(precompiles)
    for address, target in moved.items():
        precompile = precompiles.get(address)
        if target is not None:
            if precompile is None:
                raise RpcError(SERVER_ERROR, f"account {to_checksum_address(address)} is not a precompile")
            if target in overrides:
                raise RpcError(SERVER_ERROR, f"account {to_checksum_address(target)} is already overridden")
            changed[target] = precompile
        if precompile is not None:
            del changed[address]
    return changed


def parse_state_overrides(value: Any) -> dict[bytes, AccountOverride]:
    """Read {address: {balance, nonce, code, state | stateDiff}}; raise `InvalidArgument`."""
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an object of overrides by address, got {type_name(value)}")
    if len(value) > MAXIMUM_ACCOUNTS:
        raise InvalidArgument(f"overrides of {len(value)} accounts, at most {MAXIMUM_ACCOUNTS} are allowed")
    return {parse_address(address): _account_override(override) for address, override in value.items()}


StateOverrides = Annotated[
    Mapping[bytes, AccountOverride],
    ParameterType(parse_state_overrides, {"title": "state overrides", "type": "object"}),
]


def _account_override(value: Any) -> AccountOverride:
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected an account override, got {type_name(value)}")
    unknown = value.keys() - _ACCOUNT_FIELDS
    if unknown:
        raise InvalidArgument(f"account override {min(unknown)[:40]!r} is not supported")
    if value.get("state") is not None and value.get("stateDiff") is not None:
        raise InvalidArgument("account has both 'state' and 'stateDiff'")
    return AccountOverride(
        balance=_read(value, "balance", parse_uint256),
        nonce=_read(value, "nonce", lambda given: parse_quantity(given, 64)),
        code=_read(value, "code", parse_data),
        storage=_read(value, "state", _words),
        storage_changes=_read(value, "stateDiff", _words),
        moved_precompile=_read(value, "movePrecompileToAddress", parse_address),
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


def _words(value: Any) -> dict[int, int]:
    if not isinstance(value, dict) or len(value) > MAXIMUM_SLOTS:
        raise InvalidArgument(f"expected an object of at most {MAXIMUM_SLOTS} words by slot")
    return {int.from_bytes(parse_hash(slot), "big"): _word(word) for slot, word in value.items()}


def _word(value: Any) -> int:
    return int.from_bytes(parse_fixed_data(value, 32), "big")
