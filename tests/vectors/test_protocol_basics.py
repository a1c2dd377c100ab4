"""BasicTests of ethereum/tests: keys and addresses, a first transaction, paths in tries, Ethereum's genesis header.

Left out are crypto.json (encryption, which nothing here does) and the difficulties (of proof of work).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import decode_header, encode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import InvalidSignature, address_of_private_key, recover_address, sign
from phal2.node.protocol.transaction_codec import encode_transaction, recover_transaction
from phal2.node.state.trie_nodes import Extension, Leaf, decode_node, encode_node


def test_keys_have_their_addresses(vectors: Path) -> None:
    for case in _load(vectors, "keyaddrtest"):
        key = bytes.fromhex(case["key"])
        assert key == keccak256(case["seed"].encode())
        assert address_of_private_key(key).hex() == case["addr"]
        assert recover_address(keccak256(b""), *sign(keccak256(b""), key)).hex() == case["addr"]


def test_a_transaction_has_the_sender_that_signed_it(vectors: Path) -> None:
    low, high = _load(vectors, "txtest")
    raw = bytes.fromhex(low["signed"])
    recovered = recover_transaction(raw)
    assert recovered.sender == address_of_private_key(bytes.fromhex(low["key"]))
    assert encode_transaction(recovered.transaction) == raw
    # The other one is from before signatures had to be the lower of two (EIP-2).
    with pytest.raises(InvalidSignature):
        recover_transaction(bytes.fromhex(high["signed"]))


def test_paths_are_encoded_as_given(vectors: Path) -> None:
    for name, case in _load(vectors, "hexencodetest").items():
        path = bytes(case["seq"])
        node = Leaf(path, b"value") if case["term"] else Extension(path, b"\xa0" + bytes(32))
        encoded = encode_node(node)
        assert rlp.expect_bytes(rlp.expect_list(rlp.decode(encoded))[0]).hex() == case["out"], name
        assert decode_node(encoded) == node, name


def test_ethereums_genesis_header_has_its_hash(vectors: Path) -> None:
    case = _load(vectors, "genesishashestest")
    block = rlp.expect_list(rlp.decode(bytes.fromhex(case["genesis_rlp_hex"])))
    raw = rlp.encode(block[0])
    header = decode_header(raw)
    assert encode_header(header) == raw
    assert header_hash(header).hex() == case["genesis_hash"]
    assert header.state_root.hex() == case["genesis_state_root"]


def _load(vectors: Path, name: str) -> Any:
    return json.loads((vectors / "ethereum-tests" / "BasicTests" / f"{name}.json").read_text())
