"""The oracle's prices: what the node charges, with room for the signature that the oracle's transactions lack."""

import pytest
from contract_chain import Chain, Contract
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.contracts import load_artefact
from phal2.devnet.storage_layout import storage_words
from phal2.node.protocol.fees import (
    MINIMUM_ESTIMATED_SIZE,
    SIZE_INTERCEPT,
    SIZE_PER_FASTLZ_BYTE,
    L1FeeParameters,
    flz_compressed_length,
    l1_fee,
    l1_gas_used,
    operator_fee,
)
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import GAS_PRICE_ORACLE, L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from phal2.node.rpc.limits import GAS_CAP

STRANGER = b"\x04" * 20
SIGNATURE = 68
FIELDS = {
    "basefee": "l1_base_fee",
    "blobBaseFee": "blob_base_fee",
    "baseFeeScalar": "base_fee_scalar",
    "blobBaseFeeScalar": "blob_base_fee_scalar",
    "operatorFeeScalar": "operator_fee_scalar",
    "operatorFeeConstant": "operator_fee_constant",
}
PARAMETERS = L1FeeParameters(
    7 * 10**9,
    blob_base_fee=3 * 10**8,
    base_fee_scalar=1_368,
    blob_base_fee_scalar=810_949,
    operator_fee_scalar=1_500_000,
    operator_fee_constant=77,
)

parameters = st.builds(
    L1FeeParameters,
    l1_base_fee=st.integers(0, 10**13),
    blob_base_fee=st.integers(1, 10**13),
    base_fee_scalar=st.integers(0, 2**32 - 1),
    blob_base_fee_scalar=st.integers(1, 2**32 - 1),
    operator_fee_scalar=st.integers(0, 2**32 - 1),
    operator_fee_constant=st.integers(0, 2**64 - 1),
)
pieces = st.one_of(
    st.binary(max_size=120),
    st.builds(lambda piece, times: piece * times, st.binary(max_size=40), st.integers(1, 40)),
    st.integers(0, 300).map(bytes),
)
unsigned = st.lists(pieces, max_size=6).map(b"".join)


def set_parameters(oracle: Contract, values: L1FeeParameters) -> None:
    named = {name: getattr(values, field) for name, field in FIELDS.items()}
    for slot in range(9):
        oracle.chain.state.set_storage(L1_BLOCK, slot, 0)
    for slot, word in storage_words(load_artefact("L1Block"), named).items():
        oracle.chain.state.set_storage(L1_BLOCK, slot, word)


def new_oracle(**forks: bool) -> Contract:
    chain = Chain()
    chain.place("L1Block", L1_BLOCK)
    oracle = chain.place("GasPriceOracle", GAS_PRICE_ORACLE)
    forks = {"isEcotone": True, "isFjord": True, "isIsthmus": True} | forks
    for slot, word in storage_words(oracle.artefact, forks).items():
        chain.state.set_storage(GAS_PRICE_ORACLE, slot, word)
    set_parameters(oracle, PARAMETERS)
    return oracle


@pytest.fixture(scope="module")
def shared_oracle() -> Contract:
    return new_oracle()


def size_with_signature(data: bytes) -> int:
    return max(
        MINIMUM_ESTIMATED_SIZE, SIZE_INTERCEPT + SIZE_PER_FASTLZ_BYTE * (flz_compressed_length(data) + SIGNATURE)
    )


def price(values: L1FeeParameters) -> int:
    return 16 * values.l1_base_fee * values.base_fee_scalar + values.blob_base_fee * values.blob_base_fee_scalar


@given(unsigned, parameters)
@settings(max_examples=30)
def test_the_fee_is_the_nodes_with_room_for_a_signature(
    shared_oracle: Contract, data: bytes, values: L1FeeParameters
) -> None:
    set_parameters(shared_oracle, values)
    size = size_with_signature(data)
    assert shared_oracle.read("getL1Fee", data) == size * price(values) // 10**12
    assert shared_oracle.read("getL1GasUsed", data) == size * 16 // 10**6


@given(st.binary(max_size=100), parameters)
@settings(max_examples=20)
def test_a_short_transaction_costs_what_the_node_charges_for_it(
    shared_oracle: Contract, data: bytes, values: L1FeeParameters
) -> None:
    set_parameters(shared_oracle, values)
    # Both sizes are the least one.
    assert shared_oracle.read("getL1Fee", data) == l1_fee(data, values, Fork.ISTHMUS)
    assert shared_oracle.read("getL1GasUsed", data) == l1_gas_used(data, values, Fork.ISTHMUS) == 1_600


@given(unsigned)
@settings(max_examples=15)
def test_no_transaction_costs_more_than_the_bound_for_its_size(shared_oracle: Contract, data: bytes) -> None:
    set_parameters(shared_oracle, PARAMETERS)
    bound = shared_oracle.read("getL1FeeUpperBound", len(data))
    size = len(data) + SIGNATURE
    longest = size + size // 255 + 16
    expected = max(MINIMUM_ESTIMATED_SIZE, SIZE_INTERCEPT + SIZE_PER_FASTLZ_BYTE * longest)
    assert bound == expected * price(PARAMETERS) // 10**12
    # FastLZ adds a byte to 32 that repeat nothing, more than OP Stack's bound of one to 255 allows for at length.
    if flz_compressed_length(data) <= longest - SIGNATURE:
        assert shared_oracle.read("getL1Fee", data) <= bound


@pytest.mark.parametrize("length", [0, 1, 2, 12, 13, 14, 15, 16, 17, 31, 32, 33, 65, 261, 262, 263, 264, 265, 270])
@pytest.mark.parametrize("kind", ["zeros", "counting", "mixed"])
def test_compressed_lengths_agree_at_the_edges(shared_oracle: Contract, length: int, kind: str) -> None:
    data = {
        "zeros": bytes(length),
        "counting": b"".join(index.to_bytes(3, "big") for index in range(length // 3 + 1))[:length],
        "mixed": (b"".join(bytes([index % 256]) * (index % 7) for index in range(length)) + bytes(length))[:length],
    }[kind]
    # With a price that makes a millionth of a byte visible.
    set_parameters(shared_oracle, L1FeeParameters(0, blob_base_fee=10**12, blob_base_fee_scalar=1))
    assert shared_oracle.read("getL1Fee", data) == size_with_signature(data)


@pytest.mark.parametrize("distance", [8_190, 8_191, 8_192])
def test_compressed_lengths_agree_at_the_windows_edge(shared_oracle: Contract, distance: int) -> None:
    word = bytes(range(200, 240))
    data = word + bytes(distance - len(word)) + word + bytes(range(13))
    set_parameters(shared_oracle, L1FeeParameters(0, blob_base_fee=10**12, blob_base_fee_scalar=1))
    outcome = shared_oracle.chain.transact(GAS_PRICE_ORACLE, shared_oracle.data("getL1Fee", data), sender=STRANGER)
    assert int.from_bytes(outcome.output, "big") == size_with_signature(data)


def test_the_longest_transaction_can_be_priced_within_a_calls_gas(shared_oracle: Contract) -> None:
    # 128 KiB, of which a part that repeats nothing stands for all.
    data = bytes(index * index % 251 for index in range(1_000))
    outcome = shared_oracle.chain.transact(GAS_PRICE_ORACLE, shared_oracle.data("getL1Fee", data), sender=STRANGER)
    assert outcome.succeeded
    assert outcome.gas * 128 * 1024 // len(data) < GAS_CAP


@given(st.integers(0, 2**40), parameters)
@settings(max_examples=20)
def test_the_operator_fee_is_the_nodes(shared_oracle: Contract, gas: int, values: L1FeeParameters) -> None:
    set_parameters(shared_oracle, values)
    assert shared_oracle.read("getOperatorFee", gas) == operator_fee(gas, values, Fork.ISTHMUS)


def test_the_operator_fee_by_fork() -> None:
    assert new_oracle(isIsthmus=False).read("getOperatorFee", 10**6) == 0
    jovian = new_oracle(isJovian=True)
    assert jovian.read("getOperatorFee", 10**6) == operator_fee(10**6, PARAMETERS, Fork.JOVIAN)


def test_the_operator_fee_ends_at_the_highest_number(shared_oracle: Contract) -> None:
    set_parameters(shared_oracle, PARAMETERS)
    highest = 2**256 - 1
    assert shared_oracle.read("getOperatorFee", highest) == highest // 10**6 + 77
    assert new_oracle(isJovian=True).read("getOperatorFee", highest) == highest


def test_it_shows_the_values_that_it_prices_by(shared_oracle: Contract) -> None:
    set_parameters(shared_oracle, PARAMETERS)
    views = {
        "l1BaseFee": PARAMETERS.l1_base_fee,
        "blobBaseFee": PARAMETERS.blob_base_fee,
        "baseFeeScalar": PARAMETERS.base_fee_scalar,
        "blobBaseFeeScalar": PARAMETERS.blob_base_fee_scalar,
        "decimals": 6,
        "DECIMALS": 6,
        "isEcotone": True,
        "isFjord": True,
        "isIsthmus": True,
        "isJovian": False,
    }
    assert {view: shared_oracle.read(view) for view in views} == views


def test_the_l2_base_fee_is_the_blocks() -> None:
    oracle = new_oracle()
    oracle.chain.base_fee = 123
    for view in ("gasPrice", "baseFee"):
        call = oracle.data(view)
        # A call of eth_call, which pays no fee.
        assert int.from_bytes(oracle.chain.transact(oracle.address, call, sender=STRANGER).output, "big") == 123


@pytest.mark.parametrize("view", ["overhead", "scalar"])
def test_bedrocks_values_are_gone(shared_oracle: Contract, view: str) -> None:
    assert shared_oracle.refuse(view, sender=STRANGER) == "Deprecated()"


def test_jovian_is_activated_once_by_the_depositor_after_isthmus() -> None:
    oracle = new_oracle()
    assert oracle.refuse("setJovian", sender=STRANGER).startswith("NotDepositor(")
    outcome = oracle.transact("setJovian", sender=L1_ATTRIBUTES_DEPOSITOR)
    assert oracle.event(outcome).arguments == {"fork": "Jovian"}
    assert oracle.read("isJovian") is True
    assert oracle.refuse("setJovian", sender=L1_ATTRIBUTES_DEPOSITOR) == "WrongForkOrder()"
    assert new_oracle(isIsthmus=False).refuse("setJovian", sender=L1_ATTRIBUTES_DEPOSITOR) == "WrongForkOrder()"
