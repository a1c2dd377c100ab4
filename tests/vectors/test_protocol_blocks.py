"""Headers, transactions roots and withdrawals roots of a real chain through all forks up to Prague (execution-apis)."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import Header, decode_header, encode_header, header_hash
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import join_blooms
from phal2.node.protocol.transaction_codec import encode_transaction, recover_transaction


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block of the chain file; withdrawals are encoded, or None before Shanghai."""

    header: Header
    transactions: list[bytes]
    withdrawals: list[bytes] | None


@pytest.fixture(scope="module")
def chain(vectors: Path) -> list[ChainBlock]:
    raw = (vectors / "rpc-compat" / "tests" / "chain.rlp").read_bytes()
    blocks, offset = [], 0
    while offset < len(raw):
        end = rlp.list_bounds(raw, offset, len(raw))[1]
        fields, offset = rlp.decode_list(raw[offset:end]), end
        transactions = [
            transaction if isinstance(transaction, bytes) else rlp.encode(transaction)
            for transaction in rlp.expect_list(fields[1])
        ]
        withdrawals = [rlp.encode(entry) for entry in rlp.expect_list(fields[3])] if len(fields) > 3 else None
        blocks.append(ChainBlock(decode_header(rlp.encode(fields[0])), transactions, withdrawals))
    return blocks


def test_each_header_names_the_hash_of_the_one_before(chain: list[ChainBlock]) -> None:
    for parent, child in pairwise(chain):
        assert child.header.parent_hash == header_hash(parent.header)
        assert decode_header(encode_header(child.header)) == child.header
    assert len(chain) == 45


def test_transactions_roots_are_right(chain: list[ChainBlock]) -> None:
    for block in chain:
        assert ordered_trie_root(block.transactions) == block.header.transactions_root
    assert sum(len(block.transactions) for block in chain) > 40


def test_withdrawals_roots_are_right(chain: list[ChainBlock]) -> None:
    for block in chain:
        if block.withdrawals is not None:
            assert ordered_trie_root(block.withdrawals) == block.header.withdrawals_root


def test_every_transaction_has_a_sender_and_comes_back(chain: list[ChainBlock]) -> None:
    types = set()
    for block in chain:
        for raw in block.transactions:
            transaction = recover_transaction(raw)
            assert encode_transaction(transaction.transaction) == raw
            types.add(transaction.transaction.transaction_type)
    assert types == {0, 1, 2, 3, 4}


def test_receipts_give_the_headers_root_and_bloom(vectors: Path, chain: list[ChainBlock]) -> None:
    conversation = (vectors / "rpc-compat" / "tests" / "debug_getRawReceipts" / "get-block-n.io").read_text()
    request, response = (line[3:] for line in conversation.splitlines() if line[:2] in (">>", "<<"))
    number = int(json.loads(request)["params"][0], 16)
    raws = [bytes.fromhex(text[2:]) for text in json.loads(response)["result"]]
    header = chain[number - 1].header
    assert ordered_trie_root(raws) == header.receipts_root
    assert join_blooms([rlp.expect_bytes(rlp.decode_list(raw)[2]) for raw in raws]) == header.bloom
