from dataclasses import replace

import pytest

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

SCHEDULE = ForkSchedule(regolith_time=0, canyon_time=100, delta_time=200, ecotone_time=200, attested_time=150)
SYSTEM = SystemConfig(b"\x01" * 20, bytes(32), ecotone_scalar(7, 9), 30_000_000)
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


@pytest.mark.parametrize(
    ("timestamp", "fork"),
    [
        (0, Fork.REGOLITH),
        (99, Fork.REGOLITH),
        (100, Fork.CANYON),
        (199, Fork.CANYON),
        (200, Fork.ECOTONE),
        (10**12, Fork.ECOTONE),
    ],
)
def test_the_latest_active_fork_holds(timestamp: int, fork: Fork) -> None:
    assert SCHEDULE.fork_at(timestamp) is fork


def test_attested_transactions_have_a_time_of_their_own() -> None:
    assert not SCHEDULE.attested_is_active(149)
    assert SCHEDULE.attested_is_active(150)
    assert not ForkSchedule().attested_is_active(10**12)


def test_the_devnet_has_all_forks_through_isthmus_from_genesis() -> None:
    assert ALL_THROUGH_ISTHMUS.fork_at(0) is Fork.ISTHMUS
    assert ALL_THROUGH_ISTHMUS.attested_is_active(0)


def test_l2_timestamps_are_fixed_by_their_number() -> None:
    assert [CONFIG.l2_timestamp(number) for number in (0, 1, 10)] == [1000, 1002, 1020]


def test_drift_and_channel_timeout_depend_on_the_fork() -> None:
    early = replace(CONFIG, forks=ForkSchedule(fjord_time=100, granite_time=200))
    assert (early.sequencer_drift(99), early.sequencer_drift(100)) == (600, 1800)
    assert (early.channel_timeout(199), early.channel_timeout(200)) == (300, 50)


def test_scalars_are_read_from_both_versions_of_the_word() -> None:
    assert (SYSTEM.base_fee_scalar, SYSTEM.blob_base_fee_scalar) == (7, 9)
    version_0 = replace(SYSTEM, scalar=(0xA6FE0).to_bytes(32, "big"))
    assert (version_0.base_fee_scalar, version_0.blob_base_fee_scalar) == (0xA6FE0, 0)


@pytest.mark.parametrize("place", [1, 23, 27])
def test_a_scalar_of_version_0_beyond_32_bits_is_the_greatest(place: int) -> None:
    # OP Stack "Post-Ecotone Scalar Encoding": with anything in the padding, baseFeeScalar is set to MaxUint32.
    scalar = bytes(place) + b"\x01" + bytes(30 - place) + b"\x02"
    padded = replace(SYSTEM, scalar=scalar)
    assert (padded.base_fee_scalar, padded.blob_base_fee_scalar) == (2**32 - 1, 0)


def test_a_block_time_of_zero_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="block_time is 0"):
        replace(CONFIG, block_time=0)


def test_the_json_form_is_op_nodes() -> None:
    content = CONFIG.to_json()
    assert content["l2_chain_id"] == 20350
    assert content["isthmus_time"] == 0
    assert "jovian_time" not in content
    genesis = content["genesis"]
    assert isinstance(genesis, dict)
    assert genesis["l1"] == {"hash": "0x" + "0a" * 32, "number": 5}
    assert genesis["system_config"]["scalar"] == "0x" + ecotone_scalar(7, 9).hex()
    assert genesis["system_config"]["eip1559Params"] == "0x" + "00" * 8
