"""Gathers what a prover needs for a range of L2 blocks: the blocks and witnesses from L2, their origins from L1."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.bridge.chain_access.l2_source import L2Source
from phal2.bridge.proposer.errors import ChainMoved, UnprovableBlock
from phal2.bridge.prover.l1_origins import WATCHED_TOPICS, receipts_matter
from phal2.bridge.prover.proof_request import MAXIMUM_REQUEST_BYTES, ClaimedBlock, L1Origin, ProofRequest
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_data, as_list, as_object, elements
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.block_refs import BlockId, L2BlockRef
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Block
from phal2.node.protocol.l1_attributes import l2_block_ref
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.transactions import DEPOSIT

MAXIMUM_GATHERED_BYTES: Final = MAXIMUM_REQUEST_BYTES // 2
"""Witness and transactions of a request may have so many bytes; the L1 blocks come on top."""

_CACHED_ORIGINS: Final = 64
_HEADER_BYTES: Final = 700
_WITNESSES_IN_A_CALL: Final = 4
"""The node executes each of the blocks again, and one call has to be answered in time."""

_PARTS: Final = ("state", "codes", "headers")


@dataclass(frozen=True, slots=True)
class GatheredRange:
    """A request, and references to its parent and its last block."""

    request: ProofRequest
    parent: L2BlockRef
    last: L2BlockRef


class Gathering:
    """Reads one L2 node and one L1 endpoint. Methods raise `EndpointError`, `ChainMoved` and `UnprovableBlock`."""

    def __init__(self, config: RollupConfig, l1: L1Client, l2: JsonRpcClient) -> None:
        self._config = config
        self._l1 = l1
        self._l2 = l2
        self._blocks = L2Source(l2)
        self._origins: OrderedDict[bytes, L1Origin] = OrderedDict()

    async def gather(self, first: int, last: int) -> GatheredRange:
        """Return what it takes to prove the L2 blocks `first` to `last`, or as many of them as a request can hold."""
        blocks = await self._blocks.blocks(range(first - 1, last + 1))
        refs = [self._reference(block) for block in blocks]
        for before, after in zip(refs, blocks[1:], strict=False):
            if after.header.parent_hash != before.hash:
                raise ChainMoved(f"L2 block {after.header.number} does not follow the block read before it")
        count, preimages = await self._witness(blocks)
        blocks, refs = blocks[: count + 1], refs[: count + 1]
        request = ProofRequest(
            parent=blocks[0].header,
            parent_transactions=blocks[0].transactions,
            l1_origins=await self._l1_origins(refs),
            blocks=tuple(
                ClaimedBlock(block.header, _sequenced(block), ref.l1_origin != parent.l1_origin)
                for block, parent, ref in zip(blocks[1:], refs, refs[1:], strict=False)
            ),
            preimages=tuple(sorted(preimages)),
            parent_message_passer_proof=await self._message_passer_proof(blocks[0]),
            message_passer_proof=await self._message_passer_proof(blocks[-1]),
        )
        return GatheredRange(request, refs[0], refs[-1])

    async def _witness(self, blocks: Sequence[Block]) -> tuple[int, set[bytes]]:
        """Return how many of the blocks after the first one fit into a request, and all that executing them reads."""
        size, preimages = _size(blocks[0]), set[bytes]()
        for start in range(1, len(blocks), _WITNESSES_IN_A_CALL):
            part = blocks[start : start + _WITNESSES_IN_A_CALL]
            for count, (block, witness) in enumerate(zip(part, await self._witnesses(part), strict=True), start):
                size += _size(block) + sum(map(len, witness - preimages))
                if size > MAXIMUM_GATHERED_BYTES:
                    if count == 1:
                        raise UnprovableBlock(block.header.number, f"a request of it has {size} bytes or more")
                    return count - 1, preimages
                preimages |= witness
        return len(blocks) - 1, preimages

    def _reference(self, block: Block) -> L2BlockRef:
        first = block.transactions[0] if block.transactions else None
        try:
            return l2_block_ref(self._config, block.header, block.hash, first)
        except InvalidEncoding as error:
            raise UnprovableBlock(block.header.number, str(error)) from error

    async def _witnesses(self, blocks: Sequence[Block]) -> list[set[bytes]]:
        method = "debug_executionWitness"
        calls = [(method, ["0x" + block.hash.hex()]) for block in blocks]
        try:
            answers = await self._l2.batch(calls)
        except EndpointRefused as error:
            raise UnprovableBlock(blocks[0].header.number, f"the node gives no witness: {error.message}") from error
        try:
            # Megabytes of hex take long enough to be noticed by whoever shares the event loop.
            return await asyncio.to_thread(_preimages, answers)
        except MalformedField as error:
            raise InvalidAnswer(self._l2.url, f"{method}: {error}") from error

    async def _l1_origins(self, refs: Sequence[L2BlockRef]) -> tuple[L1Origin, ...]:
        origins = [L1Origin((await self._l1_origin(refs[0].l1_origin)).header, None)]
        for before, after in pairwise(refs):
            if after.l1_origin != before.l1_origin:
                origins.append(await self._l1_origin(after.l1_origin))
        return tuple(origins)

    async def _l1_origin(self, block_id: BlockId) -> L1Origin:
        known = self._origins.get(block_id.hash)
        if known is not None:
            return known
        config = self._config
        block = await self._l1.block(
            block_id.hash,
            (config.deposit_contract_address, config.l1_system_config_address),
            WATCHED_TOPICS,
        )
        if block is None:
            raise EndpointUnavailable(
                self._l1.rpc.url, f"has no block {block_id.number} (0x{block_id.hash.hex()}), an L2 block's L1 origin"
            )
        matter = receipts_matter(config, block.header)
        origin = L1Origin(block.header, block.receipts if matter else None)
        self._origins[block_id.hash] = origin
        while len(self._origins) > _CACHED_ORIGINS:
            self._origins.popitem(last=False)
        return origin

    async def _message_passer_proof(self, block: Block) -> tuple[bytes, ...]:
        if self._config.forks.is_active(Fork.ISTHMUS, block.header.timestamp):
            return ()
        method = "eth_getProof"
        answer = await self._l2.call(method, "0x" + L2_TO_L1_MESSAGE_PASSER.hex(), [], hex(block.header.number))
        try:
            nodes = elements(as_object(answer, "result"), "accountProof")
            return tuple(as_data(node, "accountProof") for node in nodes)
        except MalformedField as error:
            raise InvalidAnswer(self._l2.url, f"{method}: {error}") from error


def _preimages(answers: Sequence[object]) -> list[set[bytes]]:
    witnesses = [as_object(answer, "result") for answer in answers]
    return [
        {as_data(item, part) for part in _PARTS for item in as_list(witness.get(part), part)} for witness in witnesses
    ]


def _size(block: Block) -> int:
    """Return about how many bytes a block's own parts have in a request."""
    return _HEADER_BYTES + sum(map(len, block.transactions))


def _sequenced(block: Block) -> tuple[bytes, ...]:
    return tuple(envelope for envelope in block.transactions if envelope[:1] != bytes([DEPOSIT]))
