"""Deposits, L1 attributes and extraData of real OP Stack chains."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from phal2.node.protocol.deposits import (
    UPGRADE_DOMAIN,
    decode_deposit,
    encode_deposit,
    l1_attributes_source_hash,
    upgrade_source_hash,
)
from phal2.node.protocol.fees import decode_holocene_extra_data, encode_holocene_extra_data, next_base_fee_per_gas
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.l1_attributes import ECOTONE_SELECTOR, encode_l1_attributes, l1_attributes_of_block
from phal2.node.protocol.transaction_codec import decode_transaction, encode_transaction

ISTHMUS_INTENTS = {
    "isthmus_tx_0.hex": "Isthmus: L1 Block Deployment",
    "isthmus_tx_1.hex": "Isthmus: Gas Price Oracle Deployment",
    "isthmus_tx_2.hex": "Isthmus: Operator Fee Vault Deployment",
    "isthmus_tx_3.hex": "Isthmus: L1 Block Proxy Update",
    "isthmus_tx_4.hex": "Isthmus: Gas Price Oracle Proxy Update",
    "isthmus_tx_5.hex": "Isthmus: Operator Fee Vault Proxy Update",
    "isthmus_tx_6.hex": "Isthmus: Gas Price Oracle Set Isthmus",
    "isthmus_tx_7.hex": "Isthmus: EIP-2935 Contract Deployment",
}


@pytest.fixture(scope="module")
def op_blocks(vectors: Path) -> list[dict[str, Any]]:
    paths = sorted((vectors / "op-blocks").glob("*.json.gz"))
    assert len(paths) == 5
    return [json.loads(gzip.decompress(path.read_bytes())) for path in paths]


def test_real_l1_attributes_come_back_byte_for_byte(op_blocks: list[dict[str, Any]]) -> None:
    for block in op_blocks:
        raw = bytes.fromhex(block["executing_payload"]["transactions"][0][2:])
        deposit = decode_deposit(raw)
        attributes = l1_attributes_of_block(raw)
        assert deposit.data[:4] == ECOTONE_SELECTOR
        assert encode_l1_attributes(attributes, Fork.HOLOCENE) == deposit.data
        assert deposit.source_hash == l1_attributes_source_hash(attributes.block_hash, attributes.sequence_number)
        assert (
            "0x" + attributes.batcher_address.hex() == block["rollup_config"]["genesis"]["system_config"]["batcherAddr"]
        )


def test_real_transactions_come_back_byte_for_byte(op_blocks: list[dict[str, Any]]) -> None:
    for block in op_blocks:
        for text in block["executing_payload"]["transactions"]:
            raw = bytes.fromhex(text[2:])
            assert encode_transaction(decode_transaction(raw)) == raw


def test_real_extra_data_holds_the_eip1559_parameters(op_blocks: list[dict[str, Any]]) -> None:
    for block in op_blocks:
        extra_data = bytes.fromhex(block["parent_header"]["extraData"][2:])
        assert decode_holocene_extra_data(extra_data) == (250, 6)
        assert encode_holocene_extra_data(250, 6) == extra_data


def test_the_base_fee_of_successive_real_blocks_follows(op_blocks: list[dict[str, Any]]) -> None:
    headers = {int(block["parent_header"]["number"], 16): block["parent_header"] for block in op_blocks}
    followed = [number for number in headers if number + 1 in headers]
    assert followed
    for number in followed:
        parent, child = headers[number], headers[number + 1]
        base_fee = next_base_fee_per_gas(
            int(parent["gasUsed"], 16), int(parent["gasLimit"], 16), int(parent["baseFeePerGas"], 16), 6, 250
        )
        assert base_fee == int(child["baseFeePerGas"], 16)


def test_upgrade_deposits_come_back_byte_for_byte(vectors: Path) -> None:
    paths = sorted((vectors / "upgrade-transactions").glob("*_tx_*.hex"))
    assert len(paths) == 21
    for path in paths:
        raw = bytes.fromhex(path.read_text().strip())
        assert encode_deposit(decode_deposit(raw)) == raw


def test_isthmus_upgrade_deposits_have_the_source_hashes_of_their_intents(vectors: Path) -> None:
    assert UPGRADE_DOMAIN == 2
    for name, intent in ISTHMUS_INTENTS.items():
        raw = bytes.fromhex((vectors / "upgrade-transactions" / name).read_text().strip())
        assert decode_deposit(raw).source_hash == upgrade_source_hash(intent), intent
