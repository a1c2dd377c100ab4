import pytest
from contract_chain import Chain, Contract

from phal2.contracts import function_selector
from phal2.node.protocol.predeploys import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK

ECOTONE = (
    bytes.fromhex("440a5e20")
    + (1_368).to_bytes(4, "big")  # baseFeeScalar
    + (810_949).to_bytes(4, "big")  # blobBaseFeeScalar
    + (3).to_bytes(8, "big")  # sequenceNumber
    + (1_750_000_001).to_bytes(8, "big")  # timestamp
    + (22_000_000).to_bytes(8, "big")  # number
    + (7_000_000_000).to_bytes(32, "big")  # basefee
    + (11).to_bytes(32, "big")  # blobBaseFee
    + b"\xaa" * 32  # hash
    + b"\xbb".rjust(32, b"\x00")  # batcherHash
)
ISTHMUS = (
    bytes.fromhex("098999be") + ECOTONE[4:] + (0x0A0B0C0D).to_bytes(4, "big") + (0x0102030405060708).to_bytes(8, "big")
)
ECOTONE_VALUES = {
    "baseFeeScalar": 1_368,
    "blobBaseFeeScalar": 810_949,
    "sequenceNumber": 3,
    "timestamp": 1_750_000_001,
    "number": 22_000_000,
    "basefee": 7_000_000_000,
    "blobBaseFee": 11,
    "hash": b"\xaa" * 32,
    "batcherHash": b"\xbb".rjust(32, b"\x00"),
    "l1FeeOverhead": 0,
    "l1FeeScalar": 0,
    "daFootprintGasScalar": 0,
}


@pytest.fixture
def l1_block(chain: Chain) -> Contract:
    return chain.place_behind_proxy("L1Block", L1_BLOCK)


@pytest.mark.parametrize(
    ("data", "operator_fee"),
    [
        (ECOTONE, {"operatorFeeScalar": 0, "operatorFeeConstant": 0}),
        (ISTHMUS, {"operatorFeeScalar": 0x0A0B0C0D, "operatorFeeConstant": 0x0102030405060708}),
    ],
)
def test_the_depositor_sets_the_values(l1_block: Contract, data: bytes, operator_fee: dict[str, int]) -> None:
    assert l1_block.chain.transact(L1_BLOCK, data, sender=L1_ATTRIBUTES_DEPOSITOR).succeeded
    expected = ECOTONE_VALUES | operator_fee
    assert {getter: l1_block.read(getter) for getter in expected} == expected


def test_the_values_lie_where_the_op_stack_has_them(l1_block: Contract) -> None:
    l1_block.chain.transact(L1_BLOCK, ISTHMUS, sender=L1_ATTRIBUTES_DEPOSITOR)
    words = [l1_block.chain.state.get_storage(L1_BLOCK, slot) for slot in range(9)]
    assert words[0] == 1_750_000_001 << 64 | 22_000_000
    assert words[3] == 1_368 << 96 | 810_949 << 64 | 3
    assert words[8] == 0x0A0B0C0D << 64 | 0x0102030405060708


@pytest.mark.parametrize("data", [ECOTONE, ISTHMUS])
def test_nobody_else_sets_them(l1_block: Contract, data: bytes) -> None:
    outcome = l1_block.chain.transact(L1_BLOCK, data, sender=b"\x01" * 20)
    assert l1_block.reason(outcome) == "NotDepositor()"


def test_selectors_are_those_of_the_op_stack(l1_block: Contract) -> None:
    assert function_selector(l1_block.artefact, "setL1BlockValuesEcotone") == ECOTONE[:4]
    assert function_selector(l1_block.artefact, "setL1BlockValuesIsthmus") == ISTHMUS[:4]
