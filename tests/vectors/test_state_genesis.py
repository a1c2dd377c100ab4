"""The genesis blocks of real OP Stack chains, from their allocations to the hash that the superchain registry names."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import zstandard

from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.forks import ForkSchedule
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.rules import L2Rules

FORKS = ("canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian")
CHAINS = (
    "mainnet/bob",
    "mainnet/ink",
    "mainnet/lisk",
    "mainnet/mode",
    "mainnet/shape",
    "mainnet/zora",
    "sepolia-devnet-2/sepolia-devnet-2",
    "sepolia/metal",
    "sepolia/soneium-minato",
    "sepolia/unichain",
    "sepolia/worldchain",
)


@pytest.mark.parametrize("chain", CHAINS)
def test_the_genesis_hash_is_reached(vectors: Path, chain: str) -> None:
    folder = vectors / "genesis"
    config = tomllib.loads((folder / f"{chain}.toml").read_text())
    genesis = _read_allocation(folder, chain)
    header = l2_genesis_block(
        L2Rules(_config(config)),
        genesis_state(
            {
                bytes.fromhex(address.removeprefix("0x")): _account(fields)
                for address, fields in genesis["alloc"].items()
            }
        ),
        timestamp=int(genesis["timestamp"], 16),
        gas_limit=int(genesis["gasLimit"], 16),
        base_fee_per_gas=int(genesis["baseFeePerGas"], 16),
        number=int(genesis["number"], 16),
        extra_data=_bytes(genesis["extraData"]),
    )
    assert "0x" + header.block.hash.hex() == config["genesis"]["l2"]["hash"]


def _read_allocation(folder: Path, chain: str) -> dict[str, Any]:
    dictionary = zstandard.ZstdCompressionDict((folder / "zstd-dictionary").read_bytes())
    compressed = (folder / f"{chain}.json.zst").read_bytes()
    decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)
    allocation: dict[str, Any] = json.loads(decompressor.decompress(compressed, max_output_size=100_000_000))
    return allocation


def _config(fields: dict[str, Any]) -> RollupConfig:
    nothing = BlockId(bytes(32), 0)
    times = {f"{fork}_time": fields["hardforks"].get(f"{fork}_time") for fork in FORKS}
    return RollupConfig(
        l1_chain_id=1,
        l2_chain_id=fields["chain_id"],
        l1_genesis=nothing,
        l2_genesis=nothing,
        l2_genesis_time=fields["genesis"]["l2_time"],
        genesis_system_config=SystemConfig(bytes(20), bytes(32), bytes(32), 30_000_000),
        block_time=fields["block_time"],
        batch_inbox_address=_bytes(fields["batch_inbox_addr"]),
        deposit_contract_address=bytes(20),
        l1_system_config_address=bytes(20),
        forks=ForkSchedule(regolith_time=0, **times),
    )


def _account(fields: dict[str, Any]) -> GenesisAccount:
    return GenesisAccount(
        balance=int(fields.get("balance", "0x0"), 16),
        nonce=int(fields.get("nonce", "0x0"), 16),
        code=_bytes(fields.get("code", "0x")),
        storage={int(slot, 16): int(word, 16) for slot, word in fields.get("storage", {}).items()},
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
