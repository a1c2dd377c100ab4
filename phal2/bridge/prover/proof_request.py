"""The request to prove a range of L2 blocks, with all that it takes, as canonical RLP of bounded size."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from phal2.bridge.prover.errors import MalformedRequest
from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.headers import Header, decode_header, encode_header
from phal2.node.protocol.receipts import Receipt, decode_receipt, encode_receipt
from phal2.node.protocol.rlp import Decoded, Item, expect_bytes, expect_list

MAXIMUM_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""A request of a block of 30 million gas has a few of these MiB."""

MAXIMUM_BLOCKS: Final = 1_024
"""L2 blocks of one request. Longer ranges are proven piece by piece, and the claims combined."""

MAXIMUM_PROOF_NODES: Final = 65
"""No path of a trie with 32-byte keys has more nodes."""


@dataclass(frozen=True, slots=True)
class L1Origin:
    """An L1 block that is the origin of L2 blocks.

    `receipts` is None where they do not matter: for the parent's origin, whose deposits the parent's epoch has already,
    and where the header's bloom filter excludes deposits and configuration updates.
    """

    header: Header
    receipts: tuple[Receipt, ...] | None


@dataclass(frozen=True, slots=True)
class ClaimedBlock:
    """An L2 block as its proposer states it. `sequenced` are the envelopes after the deposits.

    `begins_epoch` tells that its L1 origin is the block after its parent's.
    """

    header: Header
    sequenced: tuple[bytes, ...]
    begins_epoch: bool


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """L2 blocks to prove, on a parent.

    `parent_transactions` are the envelopes of the whole parent. `l1_origins` begin with the parent's origin, then
    follow those that the blocks go on to. `preimages` are trie nodes, codes and headers of ancestors. The proofs are
    trie nodes from a block's state root to the message passer's account: of the parent, and of the last block. From
    Isthmus on they are empty, as the header says it.
    """

    parent: Header
    parent_transactions: tuple[bytes, ...] = field(repr=False)
    l1_origins: tuple[L1Origin, ...] = field(repr=False)
    blocks: tuple[ClaimedBlock, ...] = field(repr=False)
    preimages: tuple[bytes, ...] = field(repr=False)
    parent_message_passer_proof: tuple[bytes, ...] = ()
    message_passer_proof: tuple[bytes, ...] = ()


def proof_request_item(request: ProofRequest) -> Item:
    """Return the request as what `rlp.encode` takes; preimages are sorted, so that equal requests have equal bytes."""
    return [
        encode_header(request.parent),
        request.parent_transactions,
        [_origin_item(origin) for origin in request.l1_origins],
        [_block_item(block) for block in request.blocks],
        sorted(set(request.preimages)),
        request.parent_message_passer_proof,
        request.message_passer_proof,
    ]


def read_proof_request(item: Decoded) -> ProofRequest:
    """Read what `proof_request_item` gives, decoded; raise `MalformedRequest`.

    Bounds of the whole are for whoever took the bytes; they bound all parts.
    """
    try:
        return _read(item)
    except InvalidEncoding as error:
        raise MalformedRequest(f"the request to prove is malformed: {error}") from error


def _read(item: Decoded) -> ProofRequest:
    fields = expect_list(item, 7)
    blocks = expect_list(fields[3])
    if not 1 <= len(blocks) <= MAXIMUM_BLOCKS:
        raise MalformedRequest(f"{len(blocks)} L2 blocks to prove; expected 1 to {MAXIMUM_BLOCKS}")
    origins = expect_list(fields[2])
    if not 1 <= len(origins) <= len(blocks) + 1:
        raise MalformedRequest(
            f"{len(origins)} L1 origins for {len(blocks)} L2 blocks; expected 1 to one more than those"
        )
    preimages = _byte_strings(fields[4])
    if any(after <= before for before, after in pairwise(preimages)):
        raise MalformedRequest("the preimages are not in ascending order, each once")
    return ProofRequest(
        parent=decode_header(expect_bytes(fields[0])),
        parent_transactions=_byte_strings(fields[1]),
        l1_origins=tuple(map(_read_origin, origins)),
        blocks=tuple(map(_read_block, blocks)),
        preimages=preimages,
        parent_message_passer_proof=_read_proof(fields[5]),
        message_passer_proof=_read_proof(fields[6]),
    )


def _origin_item(origin: L1Origin) -> Item:
    receipts: list[Item] = []
    if origin.receipts is not None:
        receipts.append([encode_receipt(receipt) for receipt in origin.receipts])
    return [encode_header(origin.header), receipts]


def _read_origin(item: Decoded) -> L1Origin:
    header, given = expect_list(item, 2)
    optional = expect_list(given)
    if len(optional) > 1:
        raise MalformedRequest(f"{len(optional)} lists of receipts for one L1 block; expected none or one")
    receipts = tuple(decode_receipt(raw) for raw in _byte_strings(optional[0])) if optional else None
    return L1Origin(decode_header(expect_bytes(header)), receipts)


def _block_item(block: ClaimedBlock) -> Item:
    return [encode_header(block.header), block.sequenced, b"\x01" if block.begins_epoch else b""]


def _read_block(item: Decoded) -> ClaimedBlock:
    header, sequenced, begins_epoch = expect_list(item, 3)
    flag = rlp.decode_uint(begins_epoch, 1)
    if flag > 1:
        raise MalformedRequest(f"the sign of a new epoch is {flag}; expected 0 or 1")
    return ClaimedBlock(decode_header(expect_bytes(header)), _byte_strings(sequenced), bool(flag))


def _read_proof(item: Decoded) -> tuple[bytes, ...]:
    nodes = _byte_strings(item)
    if len(nodes) > MAXIMUM_PROOF_NODES:
        raise MalformedRequest(f"a proof of {len(nodes)} nodes; at most {MAXIMUM_PROOF_NODES} expected")
    return nodes


def _byte_strings(item: Decoded) -> tuple[bytes, ...]:
    return tuple(expect_bytes(element) for element in expect_list(item))
