from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.deposits import encode_deposit
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.fees import encode_holocene_extra_data
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork, ForkSchedule
from phal2.node.protocol.headers import EMPTY_REQUESTS_HASH, Header, header_hash
from phal2.node.protocol.l1_attributes import (
    BEDROCK_SELECTOR,
    ECOTONE_SELECTOR,
    ISTHMUS_SELECTOR,
    JOVIAN_SELECTOR,
    L1Attributes,
    attributes_fork,
    decode_l1_attributes,
    encode_l1_attributes,
    l1_attributes,
    l1_attributes_deposit,
    l1_attributes_of_block,
    l2_block_ref,
    system_config_from_block,
)
from phal2.node.protocol.predeploys import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

uint32s, uint64s = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
uint256s = st.integers(0, 2**256 - 1)
attributes = st.builds(
    L1Attributes,
    number=uint64s,
    timestamp=uint64s,
    base_fee=uint256s,
    block_hash=st.binary(min_size=32, max_size=32),
    sequence_number=uint64s,
    batcher_address=st.binary(min_size=20, max_size=20),
)
SYSTEM = SystemConfig(
    batcher_address=b"\x01" * 20,
    overhead=bytes(32),
    scalar=ecotone_scalar(7, 9),
    gas_limit=30_000_000,
    eip1559_denominator=250,
    eip1559_elasticity=6,
    operator_fee_scalar=11,
    operator_fee_constant=12,
)
CONFIG = RollupConfig(
    l1_chain_id=31337,
    l2_chain_id=20350,
    l1_genesis=BlockId(b"\x0a" * 32, 5),
    l2_genesis=BlockId(b"\x0b" * 32, 0),
    l2_genesis_time=1000,
    genesis_system_config=SYSTEM,
    block_time=2,
    batch_inbox_address=b"\xff" * 20,
    deposit_contract_address=b"\x0c" * 20,
    l1_system_config_address=b"\x0d" * 20,
    forks=ALL_THROUGH_ISTHMUS,
)
L1_HEADER = Header(
    *(b"\x05" * 32, bytes(32), bytes(20), bytes(32), bytes(32), bytes(32), bytes(256)),
    *(0, 6, 30_000_000, 0, 1001),
    *(b"", bytes(32), bytes(8), 77, bytes(32), 0, 50_000_000, bytes(32), EMPTY_REQUESTS_HASH),
)
L1_HASH = header_hash(L1_HEADER)


def l2_header(number: int) -> Header:
    extra_data = encode_holocene_extra_data(250, 6)
    return replace(L1_HEADER, number=number, timestamp=1000 + 2 * number, extra_data=extra_data)


@given(attributes, uint256s, uint256s)
def test_bedrocks_format_comes_back(values: L1Attributes, overhead: int, scalar: int) -> None:
    values = replace(values, overhead=overhead, scalar=scalar)
    data = encode_l1_attributes(values, Fork.REGOLITH)
    assert (data[:4], len(data)) == (BEDROCK_SELECTOR, 260)
    assert decode_l1_attributes(data) == values


@pytest.mark.parametrize(
    ("fork", "selector", "length"),
    [
        (Fork.ECOTONE, ECOTONE_SELECTOR, 164),
        (Fork.HOLOCENE, ECOTONE_SELECTOR, 164),
        (Fork.ISTHMUS, ISTHMUS_SELECTOR, 176),
        (Fork.JOVIAN, JOVIAN_SELECTOR, 178),
    ],
)
@given(values=attributes, scalars=st.tuples(uint32s, uint32s, uint256s), operator=st.tuples(uint32s, uint64s))
def test_packed_formats_come_back(
    fork: Fork,
    selector: bytes,
    length: int,
    values: L1Attributes,
    scalars: tuple[int, int, int],
    operator: tuple[int, int],
) -> None:
    values = replace(values, base_fee_scalar=scalars[0], blob_base_fee_scalar=scalars[1], blob_base_fee=scalars[2])
    if fork >= Fork.ISTHMUS:
        values = replace(values, operator_fee_scalar=operator[0], operator_fee_constant=operator[1])
    if fork >= Fork.JOVIAN:
        values = replace(values, da_footprint_gas_scalar=400)
    data = encode_l1_attributes(values, fork)
    assert (data[:4], len(data)) == (selector, length)
    assert decode_l1_attributes(data) == values


def test_malformed_data_is_refused() -> None:
    good = encode_l1_attributes(L1Attributes(1, 2, 3, bytes(32), 4, bytes(20)), Fork.ISTHMUS)
    bedrock = encode_l1_attributes(L1Attributes(1, 2, 3, bytes(32), 4, bytes(20)), Fork.BEDROCK)
    for wrong in (
        b"",
        good[:-1],
        good + b"\x00",
        bytes(4) + good[4:],
        good[:132] + b"\x01" + good[133:],
        bedrock[:4] + b"\x01" + bedrock[5:],
        bedrock[:4] + bedrock[4:164] + b"\x01" + bedrock[165:],
    ):
        with pytest.raises(InvalidEncoding):
            decode_l1_attributes(wrong)


def test_the_block_that_activates_a_fork_has_the_former_format() -> None:
    forks = ForkSchedule(
        regolith_time=0, canyon_time=0, delta_time=0, ecotone_time=0, isthmus_time=1010, jovian_time=1020
    )
    config = replace(CONFIG, forks=forks)
    formats = [attributes_fork(config, timestamp) for timestamp in (1008, 1010, 1012, 1020, 1022)]
    assert formats == [Fork.ECOTONE, Fork.ECOTONE, Fork.ISTHMUS, Fork.ISTHMUS, Fork.JOVIAN]
    assert attributes_fork(CONFIG, 1002) is Fork.ISTHMUS


def test_the_deposit_is_the_systems() -> None:
    values = l1_attributes(CONFIG, SYSTEM, L1_HEADER, L1_HASH, 3, 1010)
    assert values.l1_origin == BlockId(L1_HASH, 6)
    assert (values.operator_fee_scalar, values.operator_fee_constant) == (11, 12)
    assert values.blob_base_fee == int(exp(50_000_000 / 5_007_716))
    deposit = l1_attributes_deposit(CONFIG, values, 1010)
    assert (deposit.sender, deposit.to) == (L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK)
    assert (deposit.mint, deposit.value, deposit.gas_limit, deposit.is_system_transaction) == (0, 0, 1_000_000, False)
    assert l1_attributes_of_block(encode_deposit(deposit)) == values
    assert values.fee_parameters.l1_base_fee == 77


def test_a_reference_and_the_system_config_are_read_from_a_block() -> None:
    deposit = l1_attributes_deposit(CONFIG, l1_attributes(CONFIG, SYSTEM, L1_HEADER, L1_HASH, 3, 1010), 1010)
    header, first = l2_header(5), encode_deposit(deposit)
    ref = l2_block_ref(CONFIG, header, b"\x0e" * 32, first)
    assert (ref.number, ref.timestamp, ref.sequence_number, ref.l1_origin) == (5, 1010, 3, BlockId(L1_HASH, 6))
    assert system_config_from_block(CONFIG, header, first) == SYSTEM


def test_genesis_has_the_configurations_values() -> None:
    ref = l2_block_ref(CONFIG, l2_header(0), CONFIG.l2_genesis.hash, None)
    assert (ref.l1_origin, ref.sequence_number) == (CONFIG.l1_genesis, 0)
    assert system_config_from_block(CONFIG, l2_header(0), None) == SYSTEM


def test_a_block_without_the_deposit_is_refused() -> None:
    deposit = l1_attributes_deposit(CONFIG, l1_attributes(CONFIG, SYSTEM, L1_HEADER, L1_HASH, 3, 1010), 1010)
    for first in (
        None,
        b"\x02",
        encode_deposit(replace(deposit, sender=bytes(20))),
        encode_deposit(replace(deposit, data=b"")),
    ):
        with pytest.raises(InvalidEncoding):
            l2_block_ref(CONFIG, l2_header(5), b"\x0e" * 32, first)
