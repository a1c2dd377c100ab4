"""Headers of L1 blocks that were never mined."""

from phal2.node.protocol.headers import EMPTY_OMMERS_HASH, EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT, Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.receipts import EMPTY_BLOOM


def l1_header(
    parent: L1Block | None,
    timestamp: int,
    *,
    transactions_root: bytes = EMPTY_TRIE_ROOT,
    receipts_root: bytes = EMPTY_TRIE_ROOT,
    bloom: bytes = EMPTY_BLOOM,
    salt: bytes = b"",
) -> Header:
    """Return the header of a block on `parent`, or of block 100; another `salt` gives another branch."""
    number = 100 if parent is None else parent.header.number + 1
    return Header(
        parent_hash=bytes(32) if parent is None else parent.hash,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=bytes(20),
        state_root=keccak256(b"state" + salt),
        transactions_root=transactions_root,
        receipts_root=receipts_root,
        bloom=bloom,
        difficulty=0,
        number=number,
        gas_limit=30_000_000,
        gas_used=0,
        timestamp=timestamp,
        extra_data=b"",
        prev_randao=keccak256(b"randao" + number.to_bytes(8, "big") + salt),
        nonce=bytes(8),
        base_fee_per_gas=7 + number,
        withdrawals_root=EMPTY_TRIE_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=keccak256(b"beacon" + number.to_bytes(8, "big") + salt),
        requests_hash=EMPTY_REQUESTS_HASH,
    )
