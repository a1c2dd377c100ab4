"""The fee vaults and the gas price oracle of L2 beside the code of a real chain."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predeploy_sides import ALICE, BOB, OWNER, NewSides, Side, agree

from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    GAS_PRICE_ORACLE,
    L1_ATTRIBUTES_DEPOSITOR,
    L1_BLOCK,
    L1_FEE_VAULT,
    OPERATOR_FEE_VAULT,
    SEQUENCER_FEE_VAULT,
)


@pytest.mark.parametrize("vault", [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT])
def test_vaults(sides: tuple[Side, Side], vault: bytes) -> None:
    def collect(amount: int) -> None:
        for side in sides:
            side.chain.state.set_balance(vault, amount)

    collect(1_000)
    agree(sides, (vault, "withdraw", (), ALICE, 0))
    for function, argument in (("setMinWithdrawalAmount", 500), ("setRecipient", BOB), ("setWithdrawalNetwork", 0)):
        agree(sides, (vault, function, (argument,), ALICE, 0))
        agree(sides, (vault, function, (argument,), OWNER, 0))
    for amount in (499, 500):
        collect(amount)
        agree(sides, (vault, "withdraw", (), ALICE, 0))


l1_values = st.tuples(
    # The real oracle multiplies this scalar by 16 in 32 bits, and reverts from 2**28 on.
    st.integers(0, 2**28 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 10**13),
    st.integers(0, 10**13),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
)
pieces = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda piece, times: piece * times, st.binary(max_size=30), st.integers(1, 15)),
    st.integers(0, 300).map(bytes),
)


@given(l1_values, st.lists(pieces, max_size=3).map(b"".join), st.integers(0, 10**9))
@settings(max_examples=20)
def test_prices(new_sides: NewSides, values: tuple[int, ...], data: bytes, gas: int) -> None:
    sides = new_sides()
    base_scalar, blob_scalar, base_fee, blob_base_fee, operator_scalar, operator_constant = values
    attributes = (
        bytes.fromhex("098999be")
        + base_scalar.to_bytes(4, "big")
        + blob_scalar.to_bytes(4, "big")
        + bytes(24)
        + base_fee.to_bytes(32, "big")
        + blob_base_fee.to_bytes(32, "big")
        + bytes(64)
        + operator_scalar.to_bytes(4, "big")
        + operator_constant.to_bytes(8, "big")
    )
    for side in sides:
        assert side.call(L1_BLOCK, attributes, L1_ATTRIBUTES_DEPOSITOR, 0, 1_000_000).succeeded
    agree(sides, (GAS_PRICE_ORACLE, "getL1Fee", (data,), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getL1GasUsed", (data,), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getL1FeeUpperBound", (len(data),), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getOperatorFee", (gas,), ALICE, 0))
