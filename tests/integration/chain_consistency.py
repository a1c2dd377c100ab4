"""What must hold of a stored chain, asked through JSON-RPC: blocks linked, roots right, states proven, calls run."""

from collections.abc import Mapping, Sequence
from typing import Any

from trie import HexaryTrie
from web3 import Web3

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import Endpoint
from phal2.node.protocol import rlp
from phal2.node.protocol.headers import Header, decode_header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root

EMPTY_CODE_HASH = keccak256(b"")

Accounts = Mapping[bytes, Sequence[int]]
"""Addresses, and slots of each one's storage."""


def assert_consistent(chain: Endpoint, first: int, last: int, accounts: Accounts) -> None:
    """Check the blocks `first` to `last`, and that accounts and storage words are proven under their state roots."""
    parent_hash = None if first == 0 else block_hash(chain, first - 1)
    for number in range(first, last + 1):
        header = _assert_block(chain, number)
        assert parent_hash in (None, f"0x{header.parent_hash.hex()}"), f"parent of block {number}"
        for address, slots in accounts.items():
            assert_proven(chain, number, header.state_root, address, slots)
        parent_hash = block_hash(chain, number)


def assert_head_is_executable(chain: Endpoint, notebook: bytes, sender: bytes) -> None:
    """A call runs on the newest block, and a transaction could follow it."""
    contract, writing = f"0x{notebook.hex()}", encode_call(load_artefact("Notebook"), "write", ["once more"])
    fields = encode_call(load_artefact("Notebook"), "blockFields", [])
    head = chain.request("eth_getBlockByNumber", "latest", False)
    answer = chain.request("eth_call", {"to": contract, "data": f"0x{fields.hex()}"}, head["number"])
    assert int(answer[2:66], 16) == int(head["number"], 16)
    request = {"from": f"0x{sender.hex()}", "to": contract, "data": f"0x{writing.hex()}"}
    assert int(chain.request("eth_estimateGas", request), 16) > 21_000


def assert_proven(chain: Endpoint, number: int, state_root: bytes, address: bytes, slots: Sequence[int] = ()) -> None:
    """An account and words of its storage are as their proofs show them under the state root of block `number`."""
    proof = chain.request("eth_getProof", f"0x{address.hex()}", [hex(slot) for slot in slots], hex(number))
    nonce, balance = (int(proof[name], 16) for name in ("nonce", "balance"))
    storage_root, code_hash = (_bytes(proof[name]) for name in ("storageHash", "codeHash"))
    account = rlp.encode([rlp.encode_uint(nonce), rlp.encode_uint(balance), storage_root, code_hash])
    is_absent = (nonce, balance, code_hash) == (0, 0, EMPTY_CODE_HASH)
    assert _proven(state_root, address, proof["accountProof"]) == (b"" if is_absent else account), f"block {number}"
    for slot, entry in zip(slots, proof["storageProof"], strict=True):
        word = int(entry["value"], 16)
        shown = _proven(storage_root, slot.to_bytes(32, "big"), entry["proof"])
        assert shown == (rlp.encode(rlp.encode_uint(word)) if word else b""), f"slot {slot} at block {number}"


def block_hash(chain: Endpoint, number: int) -> str:
    """Return the hash of a block that must be there."""
    block = chain.request("eth_getBlockByNumber", hex(number), False)
    assert block is not None, f"block {number} is missing"
    return str(block["hash"])


def _assert_block(chain: Endpoint, number: int) -> Header:
    """Header, body and receipts belong together, and each transaction is found in the block."""
    raw_header = _bytes(chain.request("debug_getRawHeader", hex(number)))
    header = decode_header(raw_header)
    found = f"0x{keccak256(raw_header).hex()}"
    assert (header.number, found) == (number, block_hash(chain, number))
    items: Any = rlp.decode(_bytes(chain.request("debug_getRawBlock", hex(number))))
    envelopes = [item if isinstance(item, bytes) else rlp.encode(item) for item in items[1]]
    assert ordered_trie_root(envelopes) == header.transactions_root, f"transactions of block {number}"
    raw_receipts = [_bytes(raw) for raw in chain.request("debug_getRawReceipts", hex(number))]
    assert ordered_trie_root(raw_receipts) == header.receipts_root, f"receipts of block {number}"
    receipts = chain.request("eth_getBlockReceipts", hex(number))
    names = [f"0x{keccak256(envelope).hex()}" for envelope in envelopes]
    assert [receipt["transactionHash"] for receipt in receipts] == names
    assert {receipt["blockHash"] for receipt in receipts} <= {found}
    for receipt in {0: receipts[0], -1: receipts[-1]}.values() if receipts else ():
        assert chain.request("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt
    return header


def _proven(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    """Return what the proof shows under the key, empty where it shows that there is nothing."""
    return bytes(HexaryTrie.get_from_proof(root, keccak256(key), [rlp.decode(_bytes(node)) for node in nodes]))


def _bytes(text: str) -> bytes:
    return bytes(Web3.to_bytes(hexstr=text))
