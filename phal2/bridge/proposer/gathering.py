"""Gathers what a prover needs for a range of L2 blocks: the blocks and witnesses from L2, their origins from L1."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.bridge.batcher.l2_source import L2Source
from phal2.bridge.proposer.errors import ChainMoved, UnprovableBlock
from phal2.bridge.prover.l1_origins import WATCHED_TOPICS, receipts_matter
from phal2.bridge.prover.proof_request import ClaimedBlock, L1Origin, ProofRequest
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

_CACHED_ORIGINS: Final = 64
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
        """Return what it takes to prove the L2 blocks `first` to `last`."""
        blocks = await self._blocks.blocks(range(first - 1, last + 1))
        refs = [self._reference(block) for block in blocks]
        for before, after in zip(refs, blocks[1:], strict=False):
            if after.header.parent_hash != before.hash:
                raise ChainMoved(f"L2 block {after.header.number} does not follow the block read before it")
        preimages: set[bytes] = set()
        for witness in await self._witnesses(blocks[1:]):
            preimages.update(witness)
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

    def _reference(self, block: Block) -> L2BlockRef:
        first = block.transactions[0] if block.transactions else None
        try:
            return l2_block_ref(self._config, block.header, block.hash, first)
        except InvalidEncoding as error:
            raise UnprovableBlock(block.header.number, str(error)) from error

    async def _witnesses(self, blocks: Sequence[Block]) -> list[Iterable[bytes]]:
        method = "debug_executionWitness"
        calls = [(method, ["0x" + block.hash.hex()]) for block in blocks]
        try:
            answers = await self._l2.batch(calls)
        except EndpointRefused as error:
            raise UnprovableBlock(blocks[0].header.number, f"the node gives no witness: {error.message}") from error
        try:
            return [_preimages(answer) for answer in answers]
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


def _preimages(answer: object) -> list[bytes]:
    witness = as_object(answer, "result")
    return [as_data(item, part) for part in _PARTS for item in as_list(witness.get(part), part)]


def _sequenced(block: Block) -> tuple[bytes, ...]:
    return tuple(envelope for envelope in block.transactions if envelope[:1] != bytes([DEPOSIT]))
