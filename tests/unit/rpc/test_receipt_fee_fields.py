"""The fee fields of the OP Stack in receipts: which there are in each fork, with known values."""

from dataclasses import replace

import pytest

from phal2.node.protocol.fees import L1FeeParameters
from phal2.node.protocol.forks import Fork
from phal2.node.rpc.formats.receipt import l1_fee_fields

RAW = bytes.fromhex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")
PARAMETERS = L1FeeParameters(
    10**9, blob_base_fee=10**7, base_fee_scalar=2, blob_base_fee_scalar=3, overhead=50, scalar=7 * 10**6
)


def test_before_ecotone_the_scalar_is_a_decimal_number() -> None:
    fields = l1_fee_fields(RAW, replace(PARAMETERS, scalar=684_000), Fork.REGOLITH)
    assert fields == {
        "l1GasPrice": "0x3b9aca00",
        "l1GasUsed": hex(530),
        "l1Fee": hex(362_520_000_000),
        "l1FeeScalar": "0.684",
    }
    assert l1_fee_fields(RAW, PARAMETERS, Fork.CANYON)["l1FeeScalar"] == "7"
    assert l1_fee_fields(RAW, replace(PARAMETERS, scalar=1), Fork.CANYON)["l1FeeScalar"] == "0.000001"


@pytest.mark.parametrize(
    ("fork", "gas", "fee"),
    [(Fork.ECOTONE, 480, 960_900), (Fork.FJORD, 1_600, 3_203_000), (Fork.ISTHMUS, 1_600, 3_203_000)],
)
def test_from_ecotone_on_there_are_two_scalars_and_the_blob_base_fee(fork: Fork, gas: int, fee: int) -> None:
    assert l1_fee_fields(RAW, PARAMETERS, fork) == {
        "l1GasPrice": "0x3b9aca00",
        "l1GasUsed": hex(gas),
        "l1Fee": hex(fee),
        "l1BlobBaseFee": hex(10**7),
        "l1BaseFeeScalar": "0x2",
        "l1BlobBaseFeeScalar": "0x3",
    }


@pytest.mark.parametrize(("scalar", "constant"), [(5, 7), (5, 0), (0, 7)])
def test_an_operators_fee_is_shown_where_there_is_one(scalar: int, constant: int) -> None:
    parameters = replace(PARAMETERS, operator_fee_scalar=scalar, operator_fee_constant=constant)
    fields = l1_fee_fields(RAW, parameters, Fork.ISTHMUS)
    assert (fields["operatorFeeScalar"], fields["operatorFeeConstant"]) == (hex(scalar), hex(constant))
