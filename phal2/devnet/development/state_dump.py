"""Whole states as documents: gzip of JSON.

A dump has accounts by the hash of their address and words by the hash of their slot, as the tries have them: a node
does not keep what was hashed. Anvil's dumps, which have addresses and slots, can be loaded, too.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from phal2.devnet.development.parameters import parse_balance, parse_number, parse_word
from phal2.devnet.development.state_edits import StateEdit
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT, Block
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.rpc.errors import InvalidArgument, invalid_params
from phal2.node.rpc.hexadecimal import data, parse_data, quantity
from phal2.node.state.accounts import (
    StoredAccount,
    decode_account,
    decode_storage_value,
    encode_account,
    encode_storage_value,
)
from phal2.node.state.database import StateUpdate, first_location
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.trie import EMPTY_ROOT, TrieReader, TrieRoot
from phal2.node.state.trie_nodes import EMPTY_REFERENCE, HASH_PREFIX, Branch, Extension, Leaf
from phal2.node.state.trie_update import update_trie
from phal2.node.storage import ChainStore

FORMAT: Final = "phal2 state 1"
LONGEST_DOCUMENT: Final = 256 << 20
"""Bytes of a dump's JSON."""

_BALANCE_BITS: Final = 224
"""Of the highest balance in a dump, more than one edit may give."""
_GZIP: Final = 31
_ADDRESS_LENGTH: Final = 20
_HASH_LENGTH: Final = 32


def dump_state(store: ChainStore, state_root: bytes) -> bytes:
    """Return the dump of the state that `state_root` leads to. Raises `MissingNode` where it is not kept."""
    reader = TrieReader(store)
    accounts: dict[str, Any] = {}
    codes: dict[str, str] = {}
    for key, leaf in _leaves(reader, reader.root(state_root)):
        account = decode_account(leaf.value)
        storage = TrieRoot(account.storage_root, leaf.link)
        accounts[data(key)] = {
            "nonce": quantity(account.nonce),
            "balance": quantity(account.balance),
            "codeHash": data(account.code_hash),
            "storage": {
                data(slot): quantity(decode_storage_value(word.value)) for slot, word in _leaves(reader, storage)
            },
        }
        if account.code_hash != EMPTY_KECCAK:
            codes[data(account.code_hash)] = data(store.code(account.code_hash) or b"")
    compressor = zlib.compressobj(wbits=_GZIP)
    document = orjson.dumps({"format": FORMAT, "accounts": accounts, "codes": codes})
    return compressor.compress(document) + compressor.flush()


def load_edit(dump: bytes) -> StateEdit:
    """Read a dump; return the edit that puts its accounts in the place of those there. Raises `RpcError`."""
    try:
        document = _document(dump)
        codes = {keccak256(code): code for code in map(parse_data, _object(document.get("codes", {})).values())}
        accounts = dict(_read_account(*item, codes) for item in _object(document.get("accounts")).items())
    except InvalidArgument as error:
        raise invalid_params(f"this is no dumped state: {error}") from None
    return lambda store, block: _merged(store, block, accounts, codes)


_Loaded = tuple[StoredAccount, Mapping[bytes, int]]


def _merged(
    store: ChainStore, block: Block, accounts: Mapping[bytes, _Loaded], codes: Mapping[bytes, bytes]
) -> StateUpdate:
    reader = TrieReader(store)
    root = reader.root(block.header.state_root, block.hash)
    added = NodeChanges(first_location(store.new_serial()))
    entries: dict[bytes, bytes] = {}
    links: dict[bytes, int] = {}
    for key, (account, words) in accounts.items():
        present = reader.entry(root, key)
        if present is not None and present.link:
            added.superseded.extend(
                reader.locations(TrieRoot(decode_account(present.value).storage_root, present.link))
            )
        changes = {slot: encode_storage_value(word) for slot, word in words.items() if word}
        storage = update_trie(reader, EMPTY_ROOT, changes, added)
        if storage.location:
            links[key] = storage.location
        entries[key] = encode_account(account._replace(storage_root=storage.hash))
    new_root = update_trie(reader, root, entries, added, links)
    return StateUpdate(new_root.hash, codes, new_root.location, added.first_location, added.records, added.superseded)


def _leaves(reader: TrieReader, root: TrieRoot) -> Iterator[tuple[bytes, Leaf]]:
    """Yield the keys of a trie (32 bytes each) with their leaves."""
    if root.hash == EMPTY_TRIE_ROOT:
        return
    pending = [(HASH_PREFIX + root.hash, root.location, b"")]
    while pending:
        reference, location, path = pending.pop()
        node = reader.node(reference, location)
        if isinstance(node, Branch):
            pending += [
                (child, child_location, path + bytes([nibble]))
                for nibble, (child, child_location) in enumerate(zip(node.children, node.locations, strict=True))
                if child != EMPTY_REFERENCE
            ]
        elif isinstance(node, Extension):
            pending.append((node.child, node.location, path + node.path))
        else:
            nibbles = path + node.path
            yield bytes(16 * high + low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True)), node


def _document(dump: bytes) -> dict[str, Any]:
    decompressor = zlib.decompressobj(wbits=_GZIP)
    try:
        text = decompressor.decompress(dump, LONGEST_DOCUMENT)
        if not decompressor.eof:
            raise InvalidArgument(f"its gzip stream does not end, or holds more than {LONGEST_DOCUMENT} bytes")
        document = _object(orjson.loads(text))
    except (zlib.error, ValueError) as error:
        raise InvalidArgument(f"it is not gzip of JSON ({error})") from None
    if (found := document.get("format", FORMAT)) != FORMAT:
        raise InvalidArgument(f"its format is {found!r}, expected {FORMAT!r}")
    return document


def _read_account(name: str, value: Any, codes: dict[bytes, bytes]) -> tuple[bytes, _Loaded]:
    """Return the key of an account in the trie, and what it has; its code goes to `codes`."""
    fields, key = _object(value), parse_data(name)
    if len(key) not in (_ADDRESS_LENGTH, _HASH_LENGTH):
        raise InvalidArgument(f"account {name} is named by {len(key)} bytes, expected 20 or, hashed, 32")
    is_hashed = len(key) == _HASH_LENGTH
    if "codeHash" in fields:
        code_hash = parse_data(fields["codeHash"])
        if code_hash != EMPTY_KECCAK and code_hash not in codes:
            raise InvalidArgument(f"the code of account {name} is missing")
    else:
        code = parse_data(fields.get("code", "0x"))
        code_hash = keccak256(code)
        if code:
            codes[code_hash] = code
    words = {}
    for slot, word in _object(fields.get("storage", {})).items():
        number = parse_word(slot).to_bytes(32, "big")
        words[number if is_hashed else keccak256(number)] = parse_word(word)
    account = StoredAccount(
        nonce=parse_number(fields.get("nonce", 0), 64),
        balance=parse_balance(fields.get("balance", 0), _BALANCE_BITS),
        code_hash=code_hash,
    )
    return key if is_hashed else keccak256(key), (account, words)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidArgument("an object is missing")
    return value
