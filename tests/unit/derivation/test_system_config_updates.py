from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollup_world import SYSTEM_CONFIG_ADDRESS, World, config_log, receipt_of

from phal2.node.derivation.system_config_updates import apply_config_update, updated_system_config
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.rollup_config import SystemConfig

CONFIG = World().config.genesis_system_config
ECOTONE_SCALAR = b"\x01" + bytes(23) + b"\x00\x00\x00\x05\x00\x00\x00\x06"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (config_log(0, bytes(12) + b"\xaa" * 20), replace(CONFIG, batcher_address=b"\xaa" * 20)),
        (config_log(1, b"\x09" * 32 + ECOTONE_SCALAR), replace(CONFIG, scalar=ECOTONE_SCALAR)),
        (config_log(1, bytes(32) + bytes(31) + b"\x07"), replace(CONFIG, scalar=bytes(31) + b"\x07")),
        (config_log(2, (2**64 - 1).to_bytes(32, "big")), replace(CONFIG, gas_limit=2**64 - 1)),
        (config_log(3, bytes(12) + b"\xaa" * 20), CONFIG),
        (
            config_log(4, (250 << 32 | 6).to_bytes(32, "big")),
            replace(CONFIG, eip1559_denominator=250, eip1559_elasticity=6),
        ),
        (
            config_log(5, (3 << 64 | 4).to_bytes(32, "big")),
            replace(CONFIG, operator_fee_scalar=3, operator_fee_constant=4),
        ),
        (
            config_log(5, b"\xff" * 20 + (3 << 64 | 4).to_bytes(12, "big")),
            replace(CONFIG, operator_fee_scalar=3, operator_fee_constant=4),
        ),
    ],
)
def test_each_type_changes_its_value(log: Log, expected: SystemConfig) -> None:
    assert apply_config_update(CONFIG, log) == expected


@pytest.mark.parametrize(
    "log",
    [
        config_log(0, b"\x01" + bytes(11) + b"\xaa" * 20),
        config_log(0, bytes(64)),
        config_log(1, bytes(32) + b"\x02" + bytes(31)),
        config_log(1, bytes(32) + b"\x01\x01" + bytes(30)),
        config_log(1, bytes(32)),
        config_log(2, (2**64).to_bytes(32, "big")),
        config_log(2, b""),
        config_log(9, bytes(32)),
        config_log(2, bytes(32), version=1),
        replace(config_log(2, bytes(32)), topics=config_log(2, bytes(32)).topics[:2]),
        replace(config_log(2, bytes(32)), data=config_log(2, bytes(32)).data + bytes(32)),
        replace(config_log(2, bytes(32)), data=b""),
    ],
)
def test_a_malformed_or_unknown_update_changes_nothing(log: Log) -> None:
    with pytest.raises(InvalidEncoding):
        apply_config_update(CONFIG, log)
    good = config_log(2, (5).to_bytes(32, "big"))
    updated = updated_system_config(CONFIG, [receipt_of([log, good])], SYSTEM_CONFIG_ADDRESS)
    assert updated == replace(CONFIG, gas_limit=5)


def test_only_successful_transactions_and_the_right_contract_count() -> None:
    log = config_log(2, (5).to_bytes(32, "big"))
    receipts = [receipt_of([log], status=0), receipt_of([replace(log, address=b"\x01" * 20)])]
    assert updated_system_config(CONFIG, receipts, SYSTEM_CONFIG_ADDRESS) == CONFIG


def test_the_last_of_several_updates_holds() -> None:
    logs = [config_log(2, value.to_bytes(32, "big")) for value in (5, 6, 7)]
    assert updated_system_config(CONFIG, [receipt_of(logs)], SYSTEM_CONFIG_ADDRESS).gas_limit == 7


@given(st.binary(max_size=200), st.integers(0, 8))
def test_no_data_can_break_it(data: bytes, update_type: int) -> None:
    log = replace(config_log(update_type, b""), data=data)
    updated_system_config(CONFIG, [receipt_of([log])], SYSTEM_CONFIG_ADDRESS)
