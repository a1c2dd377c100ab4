"""Transaction envelopes against ethereum/tests and op-node's own transactions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import decode_transaction, encode_transaction, recover_transaction
from phal2.node.protocol.transactions import LegacyTransaction

NOT_A_MATTER_OF_ENCODING = {
    "TransactionException.INTRINSIC_GAS_TOO_LOW",
    "TransactionException.GASLIMIT_PRICE_PRODUCT_OVERFLOW",
    "TransactionException.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2",
    "TransactionException.INITCODE_SIZE_EXCEEDED",
    "TransactionException.NONCE_TOO_BIG",
}
"""Judged by the state module; the envelope itself is well-formed."""


def cases(vectors: Path) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    for path in sorted((vectors / "ethereum-tests" / "TransactionTests").rglob("*.json")):
        for case in json.loads(path.read_text()).values():
            # A few files leave out the latest forks.
            results = case["result"]
            result = next(results[fork] for fork in ("Cancun", "Shanghai", "Paris", "London") if fork in results)
            yield path.stem, bytes.fromhex(case["txbytes"][2:]), result


def test_valid_transactions_have_the_given_hash_and_sender(vectors: Path) -> None:
    count = 0
    for name, raw, result in cases(vectors):
        if "hash" in result:
            transaction = recover_transaction(raw)
            assert (transaction.hash.hex(), transaction.sender.hex()) == (result["hash"][2:], result["sender"][2:]), (
                name
            )
            assert encode_transaction(transaction.transaction) == raw, name
            count += 1
    assert count == 50


def test_invalid_transactions_are_refused(vectors: Path) -> None:
    count = 0
    for name, raw, result in cases(vectors):
        exception = result.get("exception")
        if exception is None or exception in NOT_A_MATTER_OF_ENCODING:
            continue
        try:
            transaction = recover_transaction(raw).transaction
        except Phal2Error:
            count += 1
            continue
        # Whether the chain id is the right one is for the state module to say.
        assert exception == "TransactionException.INVALID_CHAINID", name
        assert isinstance(transaction, LegacyTransaction), name
        assert transaction.chain_id not in (None, 1), name
    assert count == 123


@pytest.mark.parametrize("name", ["fulltxacc", "fulltxdyn", "fulltxlegacy", "fulltxunprotected"])
def test_transactions_made_by_op_node_come_back_byte_for_byte(vectors: Path, name: str) -> None:
    lines = (vectors / "span-batches" / "columns" / f"{name}.txt").read_text().split()
    for line in lines:
        raw = bytes.fromhex(line[2:])
        assert encode_transaction(decode_transaction(raw)) == raw
    assert len(lines) == 27
