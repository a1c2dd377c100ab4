"""The readers of JSON against answers that geth gave, of the forks from Frontier to Prague."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phal2.node.l1.checked_block import checked_header
from phal2.node.l1.json_receipt import receipt_from_json
from phal2.node.l1.json_transaction import transaction_from_json
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import logs_bloom
from phal2.node.protocol.transaction_codec import encode_transaction


def results(vectors: Path, method: str) -> Iterator[Any]:
    for path in sorted((vectors / "rpc-compat" / "tests" / method).glob("*.io")):
        for line in path.read_text().splitlines():
            if line.startswith("<< ") and (result := json.loads(line[3:]).get("result")) is not None:
                yield result


def test_headers_of_geth_hash_to_what_geth_says(vectors: Path) -> None:
    blocks = [block for method in ("eth_getBlockByNumber", "eth_getBlockByHash") for block in results(vectors, method)]

    assert len(blocks) > 5
    for block in blocks:
        assert checked_header(block)[1].hex() == block["hash"][2:]


def test_transactions_of_geth_encode_to_what_geth_hashed(vectors: Path) -> None:
    transactions = list(results(vectors, "eth_getTransactionByHash"))

    assert {transaction["type"] for transaction in transactions} == {"0x0", "0x1", "0x2", "0x3", "0x4"}
    for transaction in transactions:
        assert keccak256(encode_transaction(transaction_from_json(transaction))).hex() == transaction["hash"][2:]


def test_receipts_of_geth_have_the_bloom_of_their_logs(vectors: Path) -> None:
    receipts = [receipt for receipt in results(vectors, "eth_getTransactionReceipt") if "status" in receipt]

    assert receipts
    for receipt in receipts:
        read = receipt_from_json(receipt)
        assert read.bloom == logs_bloom(read.logs)
        assert hex(read.transaction_type) == receipt["type"]
