"""The parameter that names a block: a tag, a number, a hash, or EIP-1898's object; and what it stands for."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.protocol.headers import Header
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError
from phal2.node.rpc.hexadecimal import parse_fixed_data, parse_quantity, type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_boolean

TAGS: Final = ("latest", "pending", "safe", "finalized", "earliest")


@dataclass(frozen=True, slots=True)
class BlockReference:
    """Exactly one of tag, number and hash. `require_canonical` goes with a hash."""

    tag: str | None = None
    number: int | None = None
    hash: bytes | None = None
    require_canonical: bool = False


_TAGGED: Final = {tag: BlockReference(tag=tag) for tag in TAGS}
LATEST: Final = _TAGGED["latest"]
PENDING: Final = _TAGGED["pending"]


def parse_block_number(value: Any) -> BlockReference:
    """Read a tag or a number."""
    if isinstance(value, str):
        tagged = _TAGGED.get(value)
        if tagged is not None:
            return tagged
    try:
        return BlockReference(number=parse_quantity(value, 63))
    except InvalidArgument as error:
        if isinstance(value, str) and not value.startswith("0x"):
            raise InvalidArgument("hex string without 0x prefix") from None
        raise InvalidArgument(str(error)) from None


def parse_block_reference(value: Any) -> BlockReference:
    """Read a tag, a number, a 32-byte hash, or {blockNumber} or {blockHash, requireCanonical} (EIP-1898)."""
    if isinstance(value, str):
        if len(value) == 66:
            return BlockReference(hash=parse_fixed_data(value, 32))
        return parse_block_number(value)
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected a block number, tag or hash, got {type_name(value)}")
    number, block_hash = value.get("blockNumber"), value.get("blockHash")
    if number is not None and block_hash is not None:
        raise InvalidArgument("cannot specify both BlockHash and BlockNumber, choose one or the other")
    if number is not None:
        return parse_block_number(number)
    if block_hash is None:
        raise InvalidArgument("expected blockNumber or blockHash")
    require_canonical = value.get("requireCanonical")
    return BlockReference(
        hash=parse_fixed_data(block_hash, 32),
        require_canonical=require_canonical is not None and parse_boolean(require_canonical),
    )


BlockNumber = Annotated[
    BlockReference, ParameterType(parse_block_number, {"title": "block number or tag", "type": "string"})
]
Block = Annotated[
    BlockReference,
    ParameterType(parse_block_reference, {"title": "block number, tag or hash", "type": ["string", "object"]}),
]


def find_block_hash(chain: ChainService, reference: BlockReference) -> bytes | None:
    """Return the hash of the stored block that is meant, None where there is none. "pending" means the newest."""
    store = chain.store
    if reference.hash is not None:
        header = store.header(reference.hash)
        if header is None:
            return None
        if reference.require_canonical and store.block_hash(header.number) != reference.hash:
            raise RpcError(SERVER_ERROR, "hash is not currently canonical")
        return reference.hash
    if reference.number is not None:
        return store.block_hash(reference.number)
    if reference.tag == "earliest":
        return store.genesis.hash
    if reference.tag == "safe":
        return chain.safe_id().hash
    if reference.tag == "finalized":
        return chain.finalized_id().hash
    return chain.head_id().hash


def require_block_hash(chain: ChainService, reference: BlockReference) -> bytes:
    """Return the hash of the stored block that is meant; raise `RpcError` "header not found"."""
    block_hash = find_block_hash(chain, reference)
    if block_hash is None:
        what = "header for hash not found" if reference.hash is not None else "header not found"
        raise RpcError(SERVER_ERROR, what)
    return block_hash


def require_header(chain: ChainService, reference: BlockReference) -> Header:
    """Return the header of the stored block that is meant; raise `RpcError` where there is none."""
    return stored_header(chain, require_block_hash(chain, reference))


def stored_header(chain: ChainService, block_hash: bytes) -> Header:
    """Return the header of a stored block; raise `RpcError` where it is gone."""
    header = chain.store.header(block_hash)
    if header is None:
        raise RpcError(SERVER_ERROR, "header not found")
    return header
