"""Pieces of scenarios made by hand: code for calls, creations and storage, transactions, and accounts around them."""

from collections.abc import Mapping
from typing import Any

from cast import CHAIN_ID, CONTRACTS, FEE_RECIPIENT, SENDERS
from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import op, push, store_in_memory
from scenarios import BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.state.genesis import GenesisAccount

ETHER = 10**18
MAIN, HELPER, OTHER = CONTRACTS[:3]

LOG = op(Ops.PUSH0, Ops.PUSH0, Ops.LOG1)
LOG_GAS = op(Ops.GAS) + LOG
REVERT = op(Ops.PUSH0, Ops.PUSH0, Ops.REVERT)
RETURN_WORD = op(Ops.PUSH0, Ops.MSTORE) + push(32) + op(Ops.PUSH0, Ops.RETURN)


def store(slot: int, word: int) -> bytes:
    return push(word) + push(slot) + op(Ops.SSTORE)


def call(
    target: bytes, kind: Ops = Ops.CALL, value: int = 0, gas: bytes = op(Ops.GAS), returned: int = 0, given: int = 0
) -> bytes:
    """Return code that leaves whether the call succeeded; `given` bytes from 0 are its input."""
    moves_value = kind in (Ops.CALL, Ops.CALLCODE)
    return (
        push(returned)
        + op(Ops.PUSH0)
        + push(given)
        + op(Ops.PUSH0)
        + (push(value) if moves_value else b"")
        + push(target)
        + gas
        + op(kind)
    )


def create(init_code: bytes, value: int = 0, salt: int | None = None) -> bytes:
    """Return code that leaves the address of the new contract."""
    arguments = push(len(init_code)) + op(Ops.PUSH0) + push(value)
    if salt is None:
        return store_in_memory(init_code) + arguments + op(Ops.CREATE)
    return store_in_memory(init_code) + push(salt) + arguments + op(Ops.CREATE2)


def transaction(to: bytes | None = MAIN, gas: int = 1_000_000, **fields: Any) -> TransactionPlan:
    defaults: dict[str, Any] = {"kind": 2, "sender": 0, "chain_id": CHAIN_ID}
    return TransactionPlan(to=to, gas=gas, **(defaults | fields))


def played(
    *transactions: TransactionPlan,
    codes: Mapping[bytes, bytes] | None = None,
    accounts: Mapping[bytes, GenesisAccount] | None = None,
    blocks: int = 1,
    parent_number: int = 0,
    **fields: int,
) -> Scenario:
    """Return a scenario of `blocks` equal blocks over contracts with `codes` (1 ether each) and other accounts."""
    contracts = {
        address: GenesisAccount(ETHER, nonce=1, code=code, storage={1: 1}) for address, code in (codes or {}).items()
    }
    senders = {sender: GenesisAccount(100 * ETHER) for sender in SENDERS[:3]}
    return Scenario(
        L1_SYSTEM_CONTRACTS | senders | contracts | dict(accounts or {}),
        (BlockPlan(transactions, FEE_RECIPIENT),) * blocks,
        parent_number=parent_number,
        **fields,
    )
