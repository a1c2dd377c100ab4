"""The rollup configuration as op-node's rollup.json: written and read back, and refused by the name of the field."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar

OP_FORKS = ("regolith", "canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian")

addresses = st.binary(min_size=20, max_size=20).filter(any)
hashes = st.binary(min_size=32, max_size=32)
block_ids = st.builds(BlockId, hashes, st.integers(0, 2**64 - 1))
positive = st.integers(1, 2**64 - 1)


@st.composite
def fork_schedules(draw: Callable[[st.SearchStrategy[Any]], Any]) -> ForkSchedule:
    """Forks in their order up to some one, and attested transactions from any time on."""
    times = sorted(draw(st.lists(st.integers(0, 2**64 - 1), max_size=len(OP_FORKS))))
    attested_time = draw(st.none() | st.integers(0, 2**64 - 1))
    forks = {f"{fork}_time": time for fork, time in zip(OP_FORKS, times, strict=False)}
    return ForkSchedule(**forks, attested_time=attested_time)


system_configs = st.builds(
    SystemConfig,
    batcher_address=addresses,
    overhead=hashes,
    scalar=hashes,
    gas_limit=positive,
    eip1559_denominator=st.integers(0, 2**32 - 1),
    eip1559_elasticity=st.integers(0, 2**32 - 1),
    operator_fee_scalar=st.integers(0, 2**32 - 1),
    operator_fee_constant=st.integers(0, 2**64 - 1),
)
configurations = st.builds(
    RollupConfig,
    l1_chain_id=st.integers(1, 2**255),
    l2_chain_id=st.integers(2**255 + 1, 2**256 - 1),
    l1_genesis=block_ids,
    l2_genesis=block_ids,
    l2_genesis_time=st.integers(0, 2**64 - 1),
    genesis_system_config=system_configs,
    block_time=positive,
    batch_inbox_address=addresses,
    deposit_contract_address=addresses,
    l1_system_config_address=addresses,
    forks=fork_schedules(),
    maximum_sequencer_drift=st.integers(0, 2**64 - 1),
    sequencing_window_size=st.integers(2, 2**64 - 1),
    channel_timeout_bedrock=positive,
    eip1559_elasticity=positive,
    eip1559_denominator=positive,
    eip1559_denominator_canyon=positive,
)
CONFIG = RollupConfig(
    l1_chain_id=31337,
    l2_chain_id=20350,
    l1_genesis=BlockId(b"\x0a" * 32, 5),
    l2_genesis=BlockId(b"\x0b" * 32, 0),
    l2_genesis_time=1000,
    genesis_system_config=SystemConfig(b"\x01" * 20, bytes(32), ecotone_scalar(7, 9), 30_000_000, 250, 6, 3, 4),
    block_time=2,
    batch_inbox_address=b"\xff" * 20,
    deposit_contract_address=b"\x0c" * 20,
    l1_system_config_address=b"\x0d" * 20,
    forks=ALL_THROUGH_ISTHMUS,
)


def document(**changes: Any) -> dict[str, Any]:
    """Return CONFIG as JSON with fields changed; `__` in a name leads into an object, and `...` leaves a field out."""
    content: dict[str, Any] = json.loads(json.dumps(CONFIG.to_json()))
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = content
        for parent in parents:
            place = place[parent]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return content


@given(configurations)
def test_what_was_written_is_read_back(config: RollupConfig) -> None:
    assert RollupConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_json_is_op_nodes() -> None:
    content = CONFIG.to_json()

    assert content["genesis"]["l1"] == {"hash": "0x" + "0a" * 32, "number": 5}
    assert content["genesis"]["system_config"]["eip1559Params"] == "0x000000fa00000006"
    assert content["isthmus_time"] == 0
    assert "jovian_time" not in content


def test_what_may_be_left_out_has_neutral_values() -> None:
    config = RollupConfig.from_json(
        document(genesis__system_config__eip1559Params=..., genesis__system_config__operatorFeeParams=...)
    )

    neutral = replace(
        CONFIG.genesis_system_config,
        eip1559_denominator=0,
        eip1559_elasticity=0,
        operator_fee_scalar=0,
        operator_fee_constant=0,
    )
    assert config == replace(CONFIG, genesis_system_config=neutral)


def test_null_stands_for_absent_and_unused_fields_may_be_there() -> None:
    zero_address = "0x" + "00" * 20

    assert RollupConfig.from_json(document(interop_time=None, alt_da=None)) == CONFIG
    assert RollupConfig.from_json(document(protocol_versions_address=zero_address)) == CONFIG
    jovian_fields = {"genesis__system_config__minBaseFee": 0, "genesis__system_config__daFootprintGasScalar": 0}
    assert RollupConfig.from_json(document(**jovian_fields)) == CONFIG


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"block_time": 0}, "block_time is 0, expected at least 1"),
        ({"block_time": -1}, "block_time is -1, expected an integer from 0"),
        ({"block_time": True}, "block_time is True"),
        ({"block_time": 1.5}, "block_time is 1.5"),
        ({"block_time": "2"}, "block_time is '2'"),
        ({"block_time": 2**64}, "block_time is 18446744073709551616"),
        ({"block_time": ...}, "block_time is missing"),
        ({"seq_window_size": 1}, "seq_window_size is 1, expected at least 2"),
        ({"l1_chain_id": 0}, "l1_chain_id is 0, expected at least 1"),
        ({"l2_chain_id": 0}, "l2_chain_id is 0, expected at least 1"),
        ({"l2_chain_id": 31337}, "l2_chain_id is 31337, expected another number than l1_chain_id"),
        ({"batch_inbox_address": "0x" + "00" * 20}, "batch_inbox_address is .* and none that is zero"),
        ({"deposit_contract_address": "0x" + "00" * 20}, "deposit_contract_address is .* and none that is zero"),
        ({"genesis__system_config__batcherAddr": "0x" + "00" * 20}, "batcherAddr is .* and none that is zero"),
        ({"genesis__system_config__gasLimit": 0}, r"genesis\.system_config\.gasLimit is 0, expected at least 1"),
        ({"channel_timeout": None}, "channel_timeout is missing"),
        ({"genesis": []}, r"genesis is \[\], expected an object"),
        ({"genesis__l1__hash": "0x00"}, r"genesis\.l1\.hash is '0x00', expected 0x and 64 hex digits"),
        ({"genesis__l1__hash": "0x" + "zz" * 32}, r"genesis\.l1\.hash is"),
        ({"genesis__l2__number": "0"}, r"genesis\.l2\.number is '0'"),
        ({"genesis__l2__time": 1}, r"genesis\.l2\.time is unknown"),
        ({"genesis__l2_time": ...}, r"genesis\.l2_time is missing"),
        ({"genesis__system_config__gasLimit": 2**64}, r"genesis\.system_config\.gasLimit is"),
        ({"genesis__system_config__batcherAddr": "ab" * 20}, r"genesis\.system_config\.batcherAddr is"),
        ({"genesis__system_config__minBaseFee": 1}, r"genesis\.system_config\.minBaseFee is 1, expected 0"),
        ({"genesis__system_config__daFootprintGasScalar": 400}, r"daFootprintGasScalar is 400, expected 0"),
        ({"genesis__system_config__unknown": 0}, r"genesis\.system_config\.unknown is unknown"),
        ({"genesis__system_config__operatorFeeParams": "0x" + "01" * 32}, "operatorFeeParams is .* 20 zero bytes"),
        ({"batch_inbox_address": "0x" + "é" * 40}, "batch_inbox_address is"),
        ({"chain_op_config": ...}, "chain_op_config is missing"),
        ({"chain_op_config__eip1559Elasticity": 0}, r"chain_op_config\.eip1559Elasticity is 0"),
        ({"interop_time": 5}, "interop_time is unknown to this version of phal2, which cannot honour it"),
        ({"alt_da": {}}, "alt_da is unknown"),
        ({"x" * 1000: 1}, r"x{80}… is unknown"),
        ({"granite_time": ...}, "holocene_time is 0, expected at least granite_time, which is never"),
        ({"granite_time": 9}, "holocene_time is 0, expected at least granite_time, which is 9"),
        ({"attested_time": "0"}, "attested_time is '0'"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidConfiguration, match=reason):
        RollupConfig.from_json(document(**changes))


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_a_document_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidConfiguration, match="expected an object"):
        RollupConfig.from_json(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(CONFIG.to_json())), json_values)
def test_any_value_in_any_field_is_read_or_refused(name: str, value: Any) -> None:
    try:
        config = RollupConfig.from_json(document(**{name: value}))
    except InvalidConfiguration:
        return
    assert RollupConfig.from_json(config.to_json()) == config
