"""The genesis as geth's genesis.json: written and read back, the blocks of real chains, refusals by field."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.command.genesis_json import Genesis
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.state.genesis import GenesisAccount

ADDRESS = "0x" + "ab" * 20
FORKS = ("canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian")

words = st.integers(0, 2**256 - 1)
accounts = st.builds(
    GenesisAccount,
    balance=words,
    nonce=st.integers(0, 2**64 - 1),
    code=st.binary(max_size=40),
    storage=st.dictionaries(words, st.integers(1, 2**256 - 1), max_size=4),
)
geneses = st.builds(
    Genesis,
    chain_id=words,
    timestamp=st.integers(0, 2**64 - 1),
    gas_limit=st.integers(0, 2**64 - 1),
    base_fee_per_gas=words,
    extra_data=st.binary(max_size=32),
    number=st.integers(0, 2**64 - 1),
    accounts=st.dictionaries(st.binary(min_size=20, max_size=20), accounts, max_size=4),
)


def document(**changes: Any) -> dict[str, Any]:
    """Return a genesis.json with fields changed; `...` leaves a field out."""
    content: dict[str, Any] = {
        "config": {"chainId": 20350, "londonBlock": 0},
        "timestamp": "0x64",
        "gasLimit": "0x1c9c380",
        "baseFeePerGas": "0x3b9aca00",
        "extraData": "0x",
        "alloc": {},
    }
    content |= changes
    return {name: value for name, value in content.items() if value is not ...}


def configuration(**changes: Any) -> RollupConfig:
    fields: dict[str, Any] = {
        "l1_chain_id": 1,
        "l2_chain_id": 20350,
        "l1_genesis": BlockId(bytes(32), 0),
        "l2_genesis": BlockId(bytes(32), 0),
        "l2_genesis_time": 100,
        "genesis_system_config": SystemConfig(bytes(20), bytes(32), bytes(32), 30_000_000),
        "block_time": 1,
        "batch_inbox_address": bytes(20),
        "deposit_contract_address": bytes(20),
        "l1_system_config_address": bytes(20),
        "forks": ALL_THROUGH_ISTHMUS,
    }
    return RollupConfig(**fields | changes)


@given(geneses)
def test_what_was_written_is_read_back(genesis: Genesis) -> None:
    assert Genesis.from_json(json.loads(json.dumps(genesis.to_json()))) == genesis


@pytest.mark.parametrize("chain", ["sepolia-devnet-2/sepolia-devnet-2", "sepolia/unichain"])
def test_the_files_of_real_chains_give_their_genesis_hash(vectors: Path, chain: str) -> None:
    folder = vectors / "genesis"
    facts = tomllib.loads((folder / f"{chain}.toml").read_text())
    dictionary = zstandard.ZstdCompressionDict((folder / "zstd-dictionary").read_bytes())
    packed = (folder / f"{chain}.json.zst").read_bytes()
    file = json.loads(zstandard.ZstdDecompressor(dict_data=dictionary).decompress(packed, max_output_size=10**8))
    times = {f"{fork}_time": facts["hardforks"].get(f"{fork}_time") for fork in FORKS}
    config = configuration(
        l2_chain_id=facts["chain_id"],
        l2_genesis_time=facts["genesis"]["l2_time"],
        forks=ForkSchedule(regolith_time=0, **times),
    )

    # The registry leaves the configuration out, as its own files have it.
    genesis = Genesis.from_json(file | {"config": {"chainId": facts["chain_id"]}})

    assert "0x" + genesis.block(config).block.hash.hex() == facts["genesis"]["l2"]["hash"]


def test_numbers_are_read_as_geth_reads_them() -> None:
    alloc = {
        "AB" * 20: {"balance": "1000", "nonce": 7, "storage": {"0x1": "0x02", "0x" + "0" * 63 + "3": "0x0", "0a": "0B"}}
    }

    genesis = Genesis.from_json(document(timestamp="100", gasLimit=30_000_000, alloc=alloc))

    assert (genesis.timestamp, genesis.gas_limit) == (100, 30_000_000)
    assert genesis.accounts == {b"\xab" * 20: GenesisAccount(balance=1000, nonce=7, storage={1: 2, 10: 11})}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": ...}, "timestamp is missing"),
        ({"timestamp": "0x"}, "timestamp is '0x', expected a number"),
        ({"timestamp": "-1"}, "timestamp is '-1'"),
        ({"timestamp": "0x1" + "0" * 16}, "timestamp is"),
        ({"timestamp": "9" * 5000}, "timestamp is"),
        ({"timestamp": 1.0}, r"timestamp is 1\.0"),
        ({"gasLimit": None}, "gasLimit is missing"),
        ({"baseFeePerGas": "0x1" + "0" * 64}, "baseFeePerGas is"),
        ({"extraData": "00"}, "extraData is '00'"),
        ({"extraData": "0x" + "00" * 33}, "extraData is .* at most 32 bytes"),
        ({"config": ...}, "config is missing"),
        ({"config": {}}, r"config\.chainId is missing"),
        ({"difficulty": "0x1"}, "difficulty is '0x1', expected 0x0"),
        ({"coinbase": "0x" + "00" * 20}, "coinbase is .* expected 0x4200000000000000000000000000000000000011"),
        ({"mixHash": "0x" + "01" * 32}, "mixHash is"),
        ({"stateHash": "0x" + "01" * 32}, "stateHash is unknown"),
        ({"alloc": ...}, "alloc is missing"),
        ({"alloc": {"0x12": {}}}, r"alloc\.0x12 is no address"),
        ({"alloc": {"0x" + "0_" * 20: {}}}, "is no address"),
        ({"alloc": {ADDRESS: []}}, f"alloc.{ADDRESS} is"),
        ({"alloc": {ADDRESS: {}, ADDRESS[2:].upper(): {}}}, "names an account that was there before"),
        ({"alloc": {ADDRESS: {"balance": "0x1" + "0" * 64}}}, f"alloc.{ADDRESS}.balance is"),
        ({"alloc": {ADDRESS: {"code": "0x0"}}}, f"alloc.{ADDRESS}.code is '0x0'"),
        ({"alloc": {ADDRESS: {"secretKey": "0x00"}}}, f"alloc.{ADDRESS}.secretKey is unknown"),
        ({"alloc": {ADDRESS: {"storage": {"0x": "0x1"}}}}, "'0x' is no storage slot"),
        ({"alloc": {ADDRESS: {"storage": {"0x1": "0x1", "0x01": "0x2"}}}}, "'0x01' is no storage slot, or is there"),
        ({"alloc": {ADDRESS: {"storage": {"0x1": 1}}}}, f"alloc.{ADDRESS}.storage.0x1 is 1"),
        ({"alloc": {ADDRESS: {"storage": {"0x1": "0x" + "1" * 65}}}}, "storage.0x1 is"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidConfiguration, match=reason):
        Genesis.from_json(document(**changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"l2_chain_id": 7}, r"config\.chainId is 20350 in the genesis, but the rollup configuration says 7"),
        ({"l2_genesis_time": 7}, "timestamp is 100 in the genesis"),
        ({"l2_genesis": BlockId(bytes(32), 7)}, "number is 0 in the genesis"),
    ],
)
def test_a_genesis_of_another_rollup_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidConfiguration, match=reason):
        Genesis.from_json(document()).block(configuration(**changes))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=66),
        lambda inner: st.dictionaries(st.text(max_size=42), inner, max_size=3) | st.lists(inner, max_size=2),
        max_leaves=8,
    )
)
def test_any_allocation_is_read_or_refused(alloc: Any) -> None:
    try:
        genesis = Genesis.from_json(document(alloc=alloc))
    except InvalidConfiguration:
        return
    assert Genesis.from_json(genesis.to_json()) == genesis
