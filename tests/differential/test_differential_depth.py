"""Calls and creations nested until the limit of 1,024 stops them."""

import pytest
from agreement import assert_agreement
from cast import CHAIN_ID, CONTRACTS, FEE_RECIPIENT, SENDERS
from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import op, push
from scenarios import BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.protocol.intrinsic_gas import CREATION_GAS
from phal2.node.state.genesis import GenesisAccount

GAS = 10**13
"""Enough that a 64th less at each level leaves something at the last."""

RECURSIVE, ASKING = CONTRACTS[:2]

ARGUMENTS = push(32) + op(*[Ops.PUSH0] * 3)
"""Return data to the first word of memory, no input."""

KEEP_ONE_MORE = push(1) + op(Ops.PUSH0, Ops.MLOAD, Ops.ADD)

CALLS = {
    "CALL": ARGUMENTS + op(Ops.PUSH0, Ops.ADDRESS, Ops.GAS, Ops.CALL, Ops.POP),
    "CALL with value": ARGUMENTS + push(1) + op(Ops.ADDRESS, Ops.GAS, Ops.CALL, Ops.POP),
    "CALLCODE": ARGUMENTS + op(Ops.PUSH0, Ops.ADDRESS, Ops.GAS, Ops.CALLCODE, Ops.POP),
    "DELEGATECALL": ARGUMENTS + op(Ops.ADDRESS, Ops.GAS, Ops.DELEGATECALL, Ops.POP),
    "STATICCALL": ARGUMENTS + op(Ops.ADDRESS, Ops.GAS, Ops.STATICCALL, Ops.POP),
}
CREATE_ITSELF = (
    op(Ops.CODESIZE, Ops.PUSH0, Ops.PUSH0, Ops.CODECOPY)
    + op(Ops.CODESIZE, Ops.PUSH0, Ops.PUSH0, Ops.CREATE)
    + op(Ops.PUSH0, Ops.SSTORE)
)


LIMIT = 1_024


def scenario(transaction: TransactionPlan, code: bytes = b"") -> Scenario:
    recursive = code + KEEP_ONE_MORE + op(Ops.PUSH0, Ops.MSTORE) + push(32) + op(Ops.PUSH0, Ops.RETURN)
    ask = ARGUMENTS + op(Ops.PUSH0) + push(RECURSIVE) + op(Ops.GAS, Ops.CALL, Ops.POP, Ops.PUSH0, Ops.MLOAD)
    accounts = L1_SYSTEM_CONTRACTS | {
        SENDERS[0]: GenesisAccount(10**24),
        RECURSIVE: GenesisAccount(balance=10, nonce=1, code=recursive),
        ASKING: GenesisAccount(nonce=1, code=ask + op(Ops.PUSH0, Ops.PUSH0, Ops.LOG1)),
    }
    return Scenario(accounts, (BlockPlan((transaction,), FEE_RECIPIENT),), gas_limit=GAS, base_fee_per_gas=7)


@pytest.mark.parametrize("code", CALLS.values(), ids=CALLS)
def test_calls_of_a_contract_to_itself(code: bytes) -> None:
    _, (executed,) = assert_agreement(scenario(TransactionPlan(2, 0, ASKING, gas=GAS, chain_id=CHAIN_ID), code))
    (log,) = executed.receipts[0].logs
    assert int.from_bytes(log.topics[0], "big") == LIMIT


def test_creations_within_creations() -> None:
    creation = TransactionPlan(2, 0, None, data=CREATE_ITSELF, gas=GAS, chain_id=CHAIN_ID)
    _, (executed,) = assert_agreement(scenario(creation))
    (receipt,) = executed.receipts
    assert receipt.status == 1
    assert receipt.cumulative_gas_used > LIMIT * CREATION_GAS
