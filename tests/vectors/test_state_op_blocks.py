"""Real OP Sepolia blocks (Holocene), executed from the trie nodes and codes that they touch, to their hash."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.forks import ForkSchedule
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.state.block_execution import apply_block
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import l2_environment
from phal2.node.state.rules import L2Rules

FORKS = ("canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus")


@pytest.mark.parametrize("number", [26207960, 26207961, 26208384, 26208858, 26208927])
def test_the_block_hash_is_reached(vectors: Path, number: int) -> None:
    vector = json.loads(gzip.decompress((vectors / "op-blocks" / f"block-{number}.json.gz").read_bytes()))
    rules = L2Rules(_config(vector["rollup_config"]))
    parent = _header(vector["parent_header"])
    attributes = _attributes(vector["executing_payload"])
    preimages = {_bytes(key): _bytes(value) for key, value in vector["preimages"].items()}
    executed = apply_block(
        rules,
        l2_environment(rules, parent, header_hash(parent), attributes),
        [recover_transaction(raw) for raw in attributes.transactions],
        MemoryDatabase(preimages, preimages),
        parent.state_root,
        KnownBlockHashes({parent.number: header_hash(parent)}),
        QuoteVerdicts(),
    )
    assert executed.block.header.number == number
    assert "0x" + executed.block.hash.hex() == vector["expected_block_hash"]


def _config(fields: dict[str, Any]) -> RollupConfig:
    nothing = BlockId(bytes(32), 0)
    return RollupConfig(
        l1_chain_id=fields["l1_chain_id"],
        l2_chain_id=fields["l2_chain_id"],
        l1_genesis=nothing,
        l2_genesis=nothing,
        l2_genesis_time=fields["genesis"]["l2_time"],
        genesis_system_config=SystemConfig(bytes(20), bytes(32), bytes(32), 30_000_000),
        block_time=fields["block_time"],
        batch_inbox_address=_bytes(fields["batch_inbox_address"]),
        deposit_contract_address=_bytes(fields["deposit_contract_address"]),
        l1_system_config_address=_bytes(fields["l1_system_config_address"]),
        forks=ForkSchedule(regolith_time=0, **{f"{fork}_time": fields[f"{fork}_time"] for fork in FORKS}),
    )


def _header(fields: dict[str, str]) -> Header:
    return Header(
        parent_hash=_bytes(fields["parentHash"]),
        ommers_hash=_bytes(fields["sha3Uncles"]),
        coinbase=_bytes(fields["miner"]),
        state_root=_bytes(fields["stateRoot"]),
        transactions_root=_bytes(fields["transactionsRoot"]),
        receipts_root=_bytes(fields["receiptsRoot"]),
        bloom=_bytes(fields["logsBloom"]),
        difficulty=int(fields["difficulty"], 16),
        number=int(fields["number"], 16),
        gas_limit=int(fields["gasLimit"], 16),
        gas_used=int(fields["gasUsed"], 16),
        timestamp=int(fields["timestamp"], 16),
        extra_data=_bytes(fields["extraData"]),
        prev_randao=_bytes(fields["mixHash"]),
        nonce=_bytes(fields["nonce"]),
        base_fee_per_gas=int(fields["baseFeePerGas"], 16),
        withdrawals_root=_bytes(fields["withdrawalsRoot"]),
        blob_gas_used=int(fields["blobGasUsed"], 16),
        excess_blob_gas=int(fields["excessBlobGas"], 16),
        parent_beacon_block_root=_bytes(fields["parentBeaconBlockRoot"]),
    )


def _attributes(fields: dict[str, Any]) -> PayloadAttributes:
    parameters = _bytes(fields["eip1559Params"])
    return PayloadAttributes(
        timestamp=int(fields["timestamp"], 16),
        prev_randao=_bytes(fields["prevRandao"]),
        fee_recipient=_bytes(fields["suggestedFeeRecipient"]),
        parent_beacon_block_root=_bytes(fields["parentBeaconBlockRoot"]),
        transactions=tuple(_bytes(raw) for raw in fields["transactions"]),
        no_tx_pool=True,
        gas_limit=int(fields["gasLimit"], 16),
        eip1559_denominator=int.from_bytes(parameters[:4], "big"),
        eip1559_elasticity=int.from_bytes(parameters[4:], "big"),
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
