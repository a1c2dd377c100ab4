"""What batcher and proposer read from the L2 node: its heads (optimism_syncStatus) and blocks (debug_getRawBlock)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from phal2.node.l1.errors import EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import JsonObject, MalformedField, as_data, as_object, data
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol import rlp
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.headers import Block, decode_header
from phal2.node.protocol.keccak import keccak256


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The heads of an L2 node, and how far it has read L1.

    `current_l1` is how far derivation has read L1, `head_l1` the L1 head that the node knows, `head_l1_time` that one's
    time in Unix seconds.
    """

    current_l1: BlockId
    head_l1: BlockId
    head_l1_time: int
    unsafe_l2: BlockId
    safe_l2: BlockId
    finalized_l2: BlockId


class L2Source:
    """Reads an L2 node. Raises `EndpointUnavailable`, `EndpointRefused` or `InvalidAnswer`."""

    def __init__(self, rpc: JsonRpcClient) -> None:
        self._rpc = rpc

    async def sync_status(self) -> SyncStatus:
        """Return the node's heads."""
        method = "optimism_syncStatus"
        answer = await self._rpc.call(method)
        with self._checking(method):
            status = as_object(answer, "result")
            return SyncStatus(
                current_l1=_block_id(status, "current_l1"),
                head_l1=_block_id(status, "head_l1"),
                head_l1_time=_number(as_object(status.get("head_l1"), "head_l1"), "timestamp"),
                unsafe_l2=_block_id(status, "unsafe_l2"),
                safe_l2=_block_id(status, "safe_l2"),
                finalized_l2=_block_id(status, "finalized_l2"),
            )

    async def blocks(self, numbers: Sequence[int]) -> list[Block]:
        """Return the canonical blocks of the given numbers."""
        method = "debug_getRawBlock"
        answers = await self._rpc.batch([(method, [hex(number)]) for number in numbers])
        blocks = []
        for number, answer in zip(numbers, answers, strict=True):
            if answer is None:
                raise EndpointUnavailable(self._rpc.url, f"the node has no block {number}")
            with self._checking(method):
                block = decode_raw_block(as_data(answer, "result"))
            if block.header.number != number:
                raise InvalidAnswer(self._rpc.url, f"asked for block {number}, got block {block.header.number}")
            blocks.append(block)
        return blocks

    @contextmanager
    def _checking(self, method: str) -> Iterator[None]:
        try:
            yield
        except InvalidEncoding as error:
            raise InvalidAnswer(self._rpc.url, f"{method}: {error}") from error


def decode_raw_block(raw: bytes) -> Block:
    """Read rlp([header, transactions, ommers, withdrawals]); raise `RlpError` where it is something else.

    Typed transactions are byte strings in it, legacy ones lists.
    """
    fields = rlp.expect_list(rlp.decode(raw))
    if len(fields) not in (3, 4):
        raise rlp.RlpError(f"a block of {len(fields)} fields, expected 3 or 4")
    header_bytes = rlp.encode(rlp.expect_list(fields[0]))
    transactions = tuple(item if isinstance(item, bytes) else rlp.encode(item) for item in rlp.expect_list(fields[1]))
    return Block(decode_header(header_bytes), keccak256(header_bytes), transactions)


def _block_id(status: JsonObject, field: str) -> BlockId:
    reference = as_object(status.get(field), field)
    return BlockId(data(reference, "hash", 32), _number(reference, "number"))


def _number(reference: JsonObject, field: str) -> int:
    number = reference.get(field)
    if type(number) is not int or number < 0:
        raise MalformedField(field, "a JSON integer", number)
    return number
