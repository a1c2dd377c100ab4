"""Block headers with their RLP (Yellow Paper 4.3; EIP-1559, 4895, 4844, 4788, 7685), and blocks."""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rlp import Item, RlpError, decode_uint, encode_uint, expect_bytes, expect_list

EMPTY_TRIE_ROOT: Final = keccak256(b"\x80")
EMPTY_OMMERS_HASH: Final = keccak256(b"\xc0")
EMPTY_REQUESTS_HASH: Final = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
"""SHA-256 of nothing: the requests hash of a block without requests (EIP-7685)."""

_REQUIRED_FIELDS: Final = 15
_ALL_FIELDS: Final = 21


@dataclass(frozen=True, slots=True)
class Header:
    """A block header. The fields from `base_fee_per_gas` on are None before the fork that brought them."""

    parent_hash: bytes
    ommers_hash: bytes
    coinbase: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    prev_randao: bytes
    nonce: bytes
    base_fee_per_gas: int | None = None
    withdrawals_root: bytes | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: bytes | None = None
    requests_hash: bytes | None = None


def encode_header(header: Header) -> bytes:
    """Return the RLP of a header."""
    fields: list[Item] = [
        header.parent_hash,
        header.ommers_hash,
        header.coinbase,
        header.state_root,
        header.transactions_root,
        header.receipts_root,
        header.bloom,
        encode_uint(header.difficulty),
        encode_uint(header.number),
        encode_uint(header.gas_limit),
        encode_uint(header.gas_used),
        encode_uint(header.timestamp),
        header.extra_data,
        header.prev_randao,
        header.nonce,
    ]
    for optional in (
        header.base_fee_per_gas,
        header.withdrawals_root,
        header.blob_gas_used,
        header.excess_blob_gas,
        header.parent_beacon_block_root,
        header.requests_hash,
    ):
        if optional is None:
            break
        fields.append(encode_uint(optional) if isinstance(optional, int) else optional)
    return rlp.encode(fields)


def decode_header(raw: bytes) -> Header:
    """Read the RLP of a header; raise `RlpError` where it is not canonical."""
    fields = expect_list(rlp.decode(raw))
    count = len(fields)
    if not _REQUIRED_FIELDS <= count <= _ALL_FIELDS:
        raise RlpError(f"header of {count} fields, expected {_REQUIRED_FIELDS} to {_ALL_FIELDS}")
    return Header(
        parent_hash=expect_bytes(fields[0], 32),
        ommers_hash=expect_bytes(fields[1], 32),
        coinbase=expect_bytes(fields[2], 20),
        state_root=expect_bytes(fields[3], 32),
        transactions_root=expect_bytes(fields[4], 32),
        receipts_root=expect_bytes(fields[5], 32),
        bloom=expect_bytes(fields[6], 256),
        difficulty=decode_uint(fields[7]),
        number=decode_uint(fields[8], 8),
        gas_limit=decode_uint(fields[9], 8),
        gas_used=decode_uint(fields[10], 8),
        timestamp=decode_uint(fields[11], 8),
        extra_data=expect_bytes(fields[12]),
        prev_randao=expect_bytes(fields[13], 32),
        nonce=expect_bytes(fields[14], 8),
        base_fee_per_gas=decode_uint(fields[15]) if count > 15 else None,
        withdrawals_root=expect_bytes(fields[16], 32) if count > 16 else None,
        blob_gas_used=decode_uint(fields[17], 8) if count > 17 else None,
        excess_blob_gas=decode_uint(fields[18], 8) if count > 18 else None,
        parent_beacon_block_root=expect_bytes(fields[19], 32) if count > 19 else None,
        requests_hash=expect_bytes(fields[20], 32) if count > 20 else None,
    )


def header_hash(header: Header) -> bytes:
    """Return the 32-byte block hash."""
    return keccak256(encode_header(header))


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its header, the header's hash, and its transactions as envelopes, in order."""

    header: Header
    hash: bytes
    transactions: tuple[bytes, ...]
