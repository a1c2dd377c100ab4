"""A block's RLP as peers exchange it (Yellow Paper 4.3.

EIP-4895), which debug_getRawBlock and a block's size speak of.
"""

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import Block, decode_header, encode_header, header_hash

_EMPTY_LIST = b"\xc0"


def encode_block(block: Block) -> bytes:
    """Return the RLP of header, transactions, no ommers and, from Shanghai on, no withdrawals."""
    transactions = [envelope if envelope[0] >= 0xC0 else rlp.encode_bytes(envelope) for envelope in block.transactions]
    parts = [encode_header(block.header), rlp.encode_list(transactions), _EMPTY_LIST]
    if block.header.withdrawals_root is not None:
        parts.append(_EMPTY_LIST)
    return rlp.encode_list(parts)


def decode_block(raw: bytes) -> Block:
    """Read a block's RLP; raise `RlpError` where it is none, or has ommers or withdrawals.

    Transactions are split off, not decoded.
    """
    parts = rlp.decode(raw)
    if not isinstance(parts, list) or len(parts) not in (3, 4):
        raise rlp.RlpError("a block is a list of header, transactions, ommers and, since Shanghai, withdrawals")
    header = decode_header(rlp.encode(parts[0]))
    if any(part != [] for part in parts[2:]):
        raise rlp.RlpError("a block of this chain has neither ommers nor withdrawals")
    envelopes = tuple(
        rlp.encode(transaction) if isinstance(transaction, list) else transaction
        for transaction in rlp.expect_list(parts[1])
    )
    if not all(envelopes):
        raise rlp.RlpError("a transaction of the block is empty")
    return Block(header, header_hash(header), envelopes)
