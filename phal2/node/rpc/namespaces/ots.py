"""The namespace ots, API level 8: what the explorer Otterscan shows of blocks and transactions."""

from typing import Annotated, Any, Final

import orjson

from phal2.node.rpc.block_reference import (
    LATEST,
    Block,
    BlockReference,
    find_block_hash,
    parse_block_number,
    require_header,
)
from phal2.node.rpc.block_replay import stored_replay
from phal2.node.rpc.block_views import BlockViews
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.explorer_schemas import BLOCK_DETAILS, BLOCK_PAGE, INTERNAL_OPERATIONS, TRACE_ENTRIES
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.limits import CALL_SECONDS
from phal2.node.rpc.parameter_types import Address, Count, Hash, ParameterType
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, DATA, HEADER, INTEGER, optional
from phal2.node.rpc.traced_frames import transaction_frames
from phal2.node.rpc.tracers.frames import Frame
from phal2.node.rpc.workers import Workers
from phal2.node.state.tracing import CALL, CREATE, CREATE2, DELEGATECALL, FRAME_NAMES, SELFDESTRUCT, STATICCALL
from phal2.node.state.world_state import WorldState

API_LEVEL: Final = 8

_SELECTOR_DIGITS: Final = 10
_OPERATIONS: Final = {CALL: 0, SELFDESTRUCT: 1, CREATE: 2, CREATE2: 3}
_WITHOUT_VALUE: Final = frozenset({DELEGATECALL, STATICCALL})


def parse_block_count(value: Any) -> BlockReference:
    """Read a block's number as a JSON integer, as Otterscan sends it, or as a quantity or tag."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return BlockReference(number=value)
    return parse_block_number(value)


BlockCount = Annotated[
    BlockReference, ParameterType(parse_block_count, {"title": "block number or tag", "type": ["integer", "string"]})
]


class OtterscanMethods:
    """Blocks page by page, and the messages of transactions."""

    def __init__(self, chain: ChainService, views: BlockViews, workers: Workers) -> None:
        self._chain = chain
        self._views = views
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods; by the one of erigon Otterscan tells whether a node serves it."""
        registry.add("ots_getApiLevel", self.api_level, result=INTEGER)
        registry.add("ots_hasCode", self.has_code, result=BOOLEAN)
        registry.add("ots_getInternalOperations", self.internal_operations, result=optional(INTERNAL_OPERATIONS))
        registry.add("ots_getTransactionError", self.transaction_error, result=optional(DATA))
        registry.add("ots_traceTransaction", self.trace_transaction, result=optional(TRACE_ENTRIES))
        registry.add("ots_getBlockDetails", self.block_details, result=optional(BLOCK_DETAILS))
        registry.add("ots_getBlockDetailsByHash", self.block_details_by_hash, result=optional(BLOCK_DETAILS))
        registry.add("ots_getBlockTransactions", self.block_transactions, result=optional(BLOCK_PAGE))
        registry.add("erigon_getHeaderByNumber", self.header_by_number, result=optional(HEADER))

    def api_level(self) -> int:
        """Return the version of this API."""
        return API_LEVEL

    def header_by_number(self, block: BlockCount) -> dict[str, Any] | None:
        """Return a block's header, null where there is none."""
        block_hash = find_block_hash(self._chain, block)
        header = None if block_hash is None else self._chain.store.header(block_hash)
        return None if header is None or block_hash is None else format_header(header, block_hash)

    async def has_code(self, address: Address, block: Block = LATEST) -> bool:
        """Tell whether an account has code after the block."""
        root = require_header(self._chain, block).state_root
        return await self._workers.run(lambda: bool(WorldState(self._chain.store, root).code(address)))

    async def internal_operations(self, transaction_hash: Hash) -> list[dict[str, Any]] | None:
        """Return what a transaction moved, created and destroyed below its own message, null where there is none."""
        top = await self._frames(transaction_hash)
        return None if top is None else [_operation(frame) for frame in _lasting(top) if _is_operation(frame, top)]

    async def transaction_error(self, transaction_hash: Hash) -> str | None:
        """Return the data with which a transaction reverted, 0x where it did not, null where there is none."""
        top = await self._frames(transaction_hash)
        if top is None:
            return None
        return data(top.end.output) if top.end is not None and top.end.reverted else "0x"

    async def trace_transaction(self, transaction_hash: Hash) -> list[dict[str, Any]] | None:
        """Return a transaction's messages in the order in which they began, null where there is none."""
        top = await self._frames(transaction_hash)
        return None if top is None else [_entry(frame) for frame in top.walk()]

    async def block_details(self, block: BlockCount) -> dict[str, Any] | None:
        """Return a block without its transactions, and the fees that were paid in it; null where there is none."""
        block_hash = find_block_hash(self._chain, block)
        return None if block_hash is None else await self.block_details_by_hash(block_hash)

    async def block_details_by_hash(self, block_hash: Hash) -> dict[str, Any] | None:
        """Return a block without its transactions, and the fees that were paid in it; null where there is none."""
        return await self._workers.run(self._details, block_hash)

    async def block_transactions(self, block: BlockCount, page: Count, page_size: Count) -> dict[str, Any] | None:
        """Return a page of a block's transactions with their receipts; page 0 has the last ones of the block."""
        block_hash = find_block_hash(self._chain, block)
        return None if block_hash is None else await self._workers.run(self._page, block_hash, page, page_size)

    async def _frames(self, transaction_hash: bytes) -> Frame | None:
        location = self._chain.store.find_transaction(transaction_hash)
        if location is None:
            return None
        return await run_bounded(self._workers, CALL_SECONDS, self._trace, location.block_hash, location.index)

    def _trace(self, deadline: Deadline, block_hash: bytes, index: int) -> Frame:
        chain = self._chain
        return transaction_frames(stored_replay(chain.store, chain.rules, chain.verdicts, block_hash), index, deadline)

    def _details(self, block_hash: bytes) -> dict[str, Any] | None:
        block = self._block(block_hash)
        if block is None:
            return None
        block["transactionCount"] = len(block.pop("transactions"))
        block["logsBloom"] = None
        fees = sum(
            int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            for receipt in self._receipts(block_hash)
        )
        issuance = {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"}
        return {"block": block, "issuance": issuance, "totalFees": quantity(fees)}

    def _page(self, block_hash: bytes, page: int, page_size: int) -> dict[str, Any] | None:
        block = self._block(block_hash)
        if block is None:
            return None
        transactions, receipts = block["transactions"], self._receipts(block_hash)
        end = max(0, len(transactions) - page * page_size)
        start = max(0, end - page_size)
        block["transactionCount"] = len(transactions)
        block["logsBloom"] = None
        block["transactions"] = [
            {**transaction, "input": transaction["input"][:_SELECTOR_DIGITS]} for transaction in transactions[start:end]
        ]
        cut = [{**receipt, "logs": None, "logsBloom": None} for receipt in receipts[start:end]]
        return {"fullblock": block, "receipts": cut}

    def _block(self, block_hash: bytes) -> dict[str, Any] | None:
        serialised = self._views.block(block_hash, full=True)
        return None if serialised is None else orjson.loads(orjson.dumps(serialised))

    def _receipts(self, block_hash: bytes) -> list[dict[str, Any]]:
        serialised = self._views.receipts(block_hash)
        return [] if serialised is None else orjson.loads(orjson.dumps(serialised))


def _lasting(frame: Frame) -> list[Frame]:
    """Return a message and those below it whose effects were not taken back."""
    if frame.error is not None:
        return []
    return [frame, *(lasting for call in frame.calls for lasting in _lasting(call))]


def _is_operation(frame: Frame, top: Frame) -> bool:
    if frame is top or frame.start.opcode not in _OPERATIONS:
        return False
    return frame.start.opcode != CALL or bool(frame.start.value)


def _operation(frame: Frame) -> dict[str, Any]:
    start = frame.start
    return {
        "type": _OPERATIONS[start.opcode],
        "from": data(start.sender),
        "to": data(start.to),
        "value": quantity(start.value or 0),
    }


def _entry(frame: Frame) -> dict[str, Any]:
    start = frame.start
    return {
        "type": FRAME_NAMES[start.opcode],
        "depth": start.depth,
        "from": data(start.sender),
        "to": data(start.to),
        "value": None if start.opcode in _WITHOUT_VALUE else quantity(start.value or 0),
        "input": data(start.data),
        "output": "0x" if frame.end is None else data(frame.end.output),
    }
