from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.blob_base_fee import blob_base_fee, l1_blob_base_fee, update_fraction
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.fees import (
    LARGEST_MINIMUM_LENGTH,
    MINIMUM_ESTIMATED_SIZE,
    SIZE_INTERCEPT,
    SIZE_PER_FASTLZ_BYTE,
    L1FeeParameters,
    child_base_fee_per_gas,
    da_footprint,
    decode_holocene_extra_data,
    decode_jovian_extra_data,
    encode_holocene_extra_data,
    encode_jovian_extra_data,
    estimated_size,
    flz_compressed_length,
    l1_fee,
    l1_gas_used,
    next_base_fee_per_gas,
    operator_fee,
)
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.headers import EMPTY_REQUESTS_HASH, Header
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

TRANSACTION = bytes.fromhex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")
PARAMETERS = L1FeeParameters(
    10**9, blob_base_fee=10**7, base_fee_scalar=2, blob_base_fee_scalar=3, overhead=50, scalar=7 * 10**6
)
CONFIG = RollupConfig(
    l1_chain_id=31337,
    l2_chain_id=20350,
    l1_genesis=BlockId(bytes(32), 0),
    l2_genesis=BlockId(bytes(32), 0),
    l2_genesis_time=0,
    genesis_system_config=SystemConfig(bytes(20), bytes(32), ecotone_scalar(1, 1), 30_000_000),
    block_time=2,
    batch_inbox_address=bytes(20),
    deposit_contract_address=bytes(20),
    l1_system_config_address=bytes(20),
    forks=ForkSchedule(),
)
PARENT = Header(
    *(bytes(32), bytes(32), bytes(20), bytes(32), bytes(32), bytes(32), bytes(256)),
    *(0, 6, 30_000_000, 30_000_000, 1000),
    *(b"", bytes(32), bytes(8), 1_000_000_000, bytes(32), 0, 0, bytes(32), EMPTY_REQUESTS_HASH),
)


@pytest.mark.parametrize(("data", "length"), [(b"", 0), (b"\x01" * 1000, 21), (bytes(1000), 21), (TRANSACTION, 31)])
def test_fastlz_lengths_are_the_known_ones(data: bytes, length: int) -> None:
    assert flz_compressed_length(data) == length


@given(st.binary(max_size=400))
def test_fastlz_is_never_longer_than_literals(data: bytes) -> None:
    assert flz_compressed_length(data) <= len(data) + (len(data) + 31) // 32


@given(st.binary(min_size=30, max_size=200), st.integers(2, 8))
def test_fastlz_shortens_what_repeats(data: bytes, times: int) -> None:
    assert flz_compressed_length(data * times) < flz_compressed_length(data) + len(data) * (times - 1)


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 300).map(bytes)), max_size=12), st.data())
def test_fastlz_lengths_are_the_reference_algorithms(parts: list[bytes], draw: st.DataObject) -> None:
    chosen = draw.draw(st.lists(st.sampled_from(parts), max_size=12)) if parts else []
    data = b"".join(parts + chosen)

    assert flz_compressed_length(data) == reference_fastlz_length(data)


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 60).map(bytes)), max_size=8), st.integers(0, 300))
def test_a_length_of_which_little_is_enough_is_known_from_there_on(parts: list[bytes], enough: int) -> None:
    data = b"".join(parts)
    exact = flz_compressed_length(data)

    assert flz_compressed_length(data, enough) in ({exact} if exact > enough else {exact, enough})


def reference_fastlz_length(data: bytes) -> int:
    """Solady's LibZip, step by step, counting what it would write."""

    def word(position: int) -> int:
        return int.from_bytes(data[position : position + 3].ljust(3, b"\0"), "little")

    def slot(position: int) -> int:
        return ((2654435769 * word(position)) & 0xFFFFFFFF) >> 19

    def literals(count: int) -> int:
        return 33 * (count // 32) + (count % 32 + 1 if count % 32 else 0)

    table: dict[int, int] = {}
    written = anchor = 0
    position, limit = 2, len(data) - 13
    while position < limit:
        while True:
            candidate = table.get(slot(position), 0)
            table[slot(position)] = position
            is_match = position - candidate < 8192 and word(candidate) == word(position)
            position += 1
            if position >= limit or is_match:
                break
        if position >= limit:
            break
        position -= 1
        written += literals(position - anchor)
        length = 0
        end = limit + 9 - position - 3
        while length < end and data[candidate + 3 + length] == data[position + 3 + length]:
            length += 1
        length = min(length, end - 1) + 1
        written += 3 * ((length - 1) // 262) + (3 if (length - 1) % 262 >= 6 else 2)
        for _ in range(2):
            table[slot(position + length)] = position + length
            position += 1
        position += length
        anchor = position
    return written + literals(len(data) - anchor)


def test_fastlz_finds_nothing_beyond_its_window() -> None:
    def far(distance: int) -> int:
        filler = b"".join(index.to_bytes(3, "big") for index in range(distance // 3 + 1))[: distance - 40]
        word = bytes(range(200, 240))
        return flz_compressed_length(word + filler + word + bytes(range(13)))

    assert far(8192) - far(8191) > 30


@given(st.binary(max_size=LARGEST_MINIMUM_LENGTH))
def test_a_short_envelope_is_at_the_minimum_size_without_compressing(raw: bytes) -> None:
    assert estimated_size(raw) == MINIMUM_ESTIMATED_SIZE
    assert SIZE_INTERCEPT + SIZE_PER_FASTLZ_BYTE * flz_compressed_length(raw) <= MINIMUM_ESTIMATED_SIZE


def test_a_longer_envelope_may_be_above_the_minimum() -> None:
    assert estimated_size(bytes(range(LARGEST_MINIMUM_LENGTH + 1))) > MINIMUM_ESTIMATED_SIZE


@pytest.mark.parametrize(
    ("fork", "fee", "gas"),
    [
        (Fork.BEDROCK, 11326000000000, 1618),
        (Fork.REGOLITH, 3710000000000, 530),
        (Fork.ECOTONE, 960900, 480),
        (Fork.FJORD, 3203000, 1600),
        (Fork.ISTHMUS, 3203000, 1600),
    ],
)
def test_l1_fees_are_the_known_ones(fork: Fork, fee: int, gas: int) -> None:
    assert l1_fee(TRANSACTION, PARAMETERS, fork) == fee
    assert l1_gas_used(TRANSACTION, PARAMETERS, fork) == gas


def test_the_fjord_fee_of_a_long_transaction_is_the_known_one() -> None:
    parameters = L1FeeParameters(2 * 10**6, blob_base_fee=3 * 10**6, base_fee_scalar=20, blob_base_fee_scalar=15)
    raw = next(
        raw
        for raw in (bytes(index * 7 % 256 for index in range(n)) for n in range(165, 400))
        if flz_compressed_length(raw) == 235
    )
    assert l1_fee(raw, parameters, Fork.FJORD) == 105484
    assert l1_gas_used(raw, parameters, Fork.FJORD) == 2463


def test_the_block_that_activates_ecotone_still_charges_as_bedrock_did() -> None:
    before = L1FeeParameters(10**9, overhead=50, scalar=7 * 10**6)
    assert l1_fee(TRANSACTION, before, Fork.ECOTONE) == l1_fee(TRANSACTION, before, Fork.REGOLITH) > 0


def test_operator_fees_by_fork() -> None:
    parameters = replace(PARAMETERS, operator_fee_scalar=1_500_000, operator_fee_constant=7)
    assert operator_fee(21_000, parameters, Fork.HOLOCENE) == 0
    assert operator_fee(21_000, parameters, Fork.ISTHMUS) == 31_500 + 7
    assert operator_fee(21_000, parameters, Fork.JOVIAN) == 21_000 * 1_500_000 * 100 + 7
    assert operator_fee(1, replace(parameters, operator_fee_scalar=999_999), Fork.ISTHMUS) == 7


def test_the_footprint_is_the_size_in_whole_bytes() -> None:
    assert da_footprint(TRANSACTION, L1FeeParameters(0, da_footprint_gas_scalar=400)) == 40_000


@pytest.mark.parametrize(
    ("used", "expected"),
    [(10_000_000, 1_000_000_000), (20_000_000, 1_125_000_000), (0, 875_000_000), (10_000_001, 1_000_000_012)],
)
def test_base_fees_follow_eip_1559(used: int, expected: int) -> None:
    assert next_base_fee_per_gas(used, 20_000_000, 1_000_000_000, 2, 8) == expected


def test_base_fees_rise_by_at_least_one_and_keep_the_minimum() -> None:
    assert next_base_fee_per_gas(11, 20, 1, 2, 8) == 2
    assert next_base_fee_per_gas(0, 20, 100, 2, 8, minimum_base_fee_per_gas=99) == 99
    assert next_base_fee_per_gas(0, 20, 0, 2, 8) == 0


@given(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_extra_data_comes_back(denominator: int, elasticity: int, minimum: int) -> None:
    assert decode_holocene_extra_data(encode_holocene_extra_data(denominator, elasticity)) == (denominator, elasticity)
    jovian = encode_jovian_extra_data(denominator, elasticity, minimum)
    assert decode_jovian_extra_data(jovian) == (denominator, elasticity, minimum)


def test_malformed_extra_data_is_refused() -> None:
    good = encode_holocene_extra_data(250, 6)
    for wrong in (b"", good[:-1], good + b"\x00", b"\x01" + good[1:], bytes(9), good[:5] + bytes(4)):
        with pytest.raises(InvalidEncoding):
            decode_holocene_extra_data(wrong)
    for wrong in (good, good + bytes(8), b"\x01" + bytes(16)):
        with pytest.raises(InvalidEncoding):
            decode_jovian_extra_data(wrong)


@pytest.mark.parametrize(("excess", "expected"), [(0, 1), (2314057, 1), (2314058, 2), (10 * 1024 * 1024, 23)])
def test_blob_base_fees_are_those_of_eip_4844(excess: int, expected: int) -> None:
    assert blob_base_fee(excess, 3338477) == expected


@pytest.mark.parametrize(
    ("l1_chain_id", "first", "second"),
    [
        (1, 1_765_290_239, 1_767_747_671),
        (17_000, 1_759_800_000, 1_760_389_824),
        (560_048, 1_762_365_720, 1_762_955_544),
        (11_155_111, 1_761_017_184, 1_761_607_008),
    ],
)
def test_public_l1_chains_have_blob_parameter_forks(l1_chain_id: int, first: int, second: int) -> None:
    prague = replace(PARENT, requests_hash=EMPTY_REQUESTS_HASH)
    for timestamp, fraction in ((first - 1, 5007716), (first, 8346193), (second - 1, 8346193), (second, 11684671)):
        assert update_fraction(l1_chain_id, replace(prague, timestamp=timestamp)) == fraction


@pytest.mark.parametrize("multiple", [176, 177, 178, 10**6, 2**64 // 3338477])
def test_a_blob_base_fee_fits_into_256_bits_and_takes_no_time_whatever_a_header_says(multiple: int) -> None:
    fee = l1_blob_base_fee(31337, replace(PARENT, excess_blob_gas=multiple * 3338477, requests_hash=None))
    assert 2**253 < fee < 2**256
    assert (fee == 2**256 - 1) == (multiple > 177)


def test_blob_base_fees_follow_the_l1_forks() -> None:
    cancun = replace(PARENT, excess_blob_gas=50_000_000, requests_hash=None, timestamp=1_765_290_239)
    prague = replace(cancun, requests_hash=EMPTY_REQUESTS_HASH)
    assert update_fraction(31337, cancun) == 3338477
    assert update_fraction(31337, prague) == 5007716
    assert update_fraction(1, prague) == 8346193
    assert update_fraction(1, replace(prague, timestamp=1_767_747_671)) == 11684671
    assert update_fraction(1, replace(prague, timestamp=1_765_290_238)) == 5007716
    assert l1_blob_base_fee(1, replace(prague, excess_blob_gas=None)) == 1


@pytest.mark.parametrize(
    ("forks", "extra_data", "expected"),
    [
        # A full parent raises the base fee by (elasticity - 1) / denominator.
        (ForkSchedule(), b"", 1_000_000_000 + 1_000_000_000 * 5 // 50),
        (ForkSchedule(canyon_time=1002), b"", 1_000_000_000 + 1_000_000_000 * 5 // 250),
        (ForkSchedule(canyon_time=0, holocene_time=1002), b"", 1_000_000_000 + 1_000_000_000 * 5 // 250),
        (ForkSchedule(holocene_time=1000), encode_holocene_extra_data(8, 2), 1_125_000_000),
        (ForkSchedule(holocene_time=0, jovian_time=0), encode_jovian_extra_data(8, 2, 2 * 10**9), 2 * 10**9),
    ],
)
def test_the_parents_extra_data_rules_the_base_fee_from_holocene_on(
    forks: ForkSchedule, extra_data: bytes, expected: int
) -> None:
    config = replace(CONFIG, forks=forks)
    assert child_base_fee_per_gas(config, replace(PARENT, extra_data=extra_data), 1002) == expected
