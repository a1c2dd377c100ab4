"""An L1 and an L2 endpoint whose every move a test decides; L2 becomes safe by what its batches on L1 really say."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from phal2.node.protocol import rlp
from phal2.node.protocol.batches import SPAN_BATCH_VERSION, SingularBatch, decode_batch
from phal2.node.protocol.blob_sidecars import decode_network_form, require_named
from phal2.node.protocol.blobs import decode_blob
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.deposits import encode_deposit
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.frames import Frame, parse_batcher_data
from phal2.node.protocol.headers import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_TRIE_ROOT,
    Block,
    Header,
    encode_header,
    header_hash,
)
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_attributes import L1Attributes, l1_attributes_deposit, l1_attributes_of_block
from phal2.node.protocol.receipts import EMPTY_BLOOM
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.span_batches import SpanBatchTerms, decode_span_batch
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.protocol.transactions import BLOB

BATCHER_KEY = keccak256(b"batcher")
BATCHER = address_of_private_key(BATCHER_KEY)
INBOX = b"\xff" * 20
GENESIS_TIME = 1_750_000_000
LEGACY = rlp.encode([b"", b"\x09", b"\x52\x08", b"\x0a" * 20, b"\x01", b"", b"\x1b", b"\x01", b"\x01"])


class Refusal(Exception):
    """Becomes a JSON-RPC error object."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Endpoint:
    """JSON-RPC over HTTP on a port of the system's choice. `failures` next requests are answered with status 503."""

    def __init__(self) -> None:
        self.failures = 0
        self.url = ""

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/", self._handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def answer(self, method: str, params: list[Any]) -> Any:
        raise NotImplementedError

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        body = orjson.loads(await request.read())
        answer = [self._one(one) for one in body] if isinstance(body, list) else self._one(body)
        return web.Response(body=orjson.dumps(answer))

    def _one(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            return {**answer, "result": self.answer(request["method"], request["params"])}
        except Refusal as error:
            return {**answer, "error": {"code": error.code, "message": error.message}}


@dataclass
class ScriptedL1(Endpoint):
    """Blocks are mined by `mine` alone; `pool` is by nonce, with the sender's fees as geth's pool wants them."""

    blocks: list[tuple[Header, list[RecoveredTransaction]]] = field(default_factory=list)
    pool: dict[int, RecoveredTransaction] = field(default_factory=dict)
    sent: list[RecoveredTransaction] = field(default_factory=list)
    refuse_send: Refusal | None = None
    base_fee: int = 10**9
    blob_base_fee: int | None = 1
    priority_fee: int = 10**9

    def __post_init__(self) -> None:
        super().__init__()
        self.nonce = 0
        self.mine()

    @property
    def head(self) -> BlockId:
        header = self.blocks[-1][0]
        return BlockId(header_hash(header), header.number)

    def mine(self, include: bool = True) -> None:
        """Seal a block, with what the pool holds in the order of nonces, or an empty one."""
        included = []
        while include and self.nonce in self.pool:
            included.append(self.pool.pop(self.nonce))
            self.nonce += 1
        parent_hash = self.head.hash if self.blocks else bytes(32)
        number = len(self.blocks)
        header = replace(_header(number, parent_hash, GENESIS_TIME + 2 * number), base_fee_per_gas=self.base_fee)
        self.blocks.append((header, included))

    def drop_blocks(self, count: int) -> None:
        """Undo the newest blocks; their transactions are lost."""
        for _ in range(count):
            _, transactions = self.blocks.pop()
            self.nonce -= len(transactions)

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getTransactionCount":
            nonce = self.nonce
            while params[1] == "pending" and nonce in self.pool:
                nonce += 1
            return hex(nonce)
        if method == "eth_sendRawTransaction":
            return self._send(bytes.fromhex(params[0][2:]))
        if method == "eth_getTransactionReceipt":
            return self._receipt(params[0])
        if method == "eth_getBlockByNumber":
            return _header_json(self.blocks[-1][0])
        if method == "eth_blobBaseFee":
            if self.blob_base_fee is None:
                raise Refusal(-32601, "the method eth_blobBaseFee does not exist")
            return hex(self.blob_base_fee)
        return {"eth_chainId": hex(31337), "eth_maxPriorityFeePerGas": hex(self.priority_fee)}[method]

    def _send(self, raw: bytes) -> str:
        if self.refuse_send is not None:
            raise self.refuse_send
        transaction = recover_with_sidecars(raw)
        new = transaction.transaction
        if new.nonce < self.nonce:
            raise Refusal(-32000, "nonce too low")
        if any(pooled.transaction.transaction_type != new.transaction_type for pooled in self.pool.values()):
            raise Refusal(-32000, "address already reserved")
        held = self.pool.get(new.nonce)
        if held is not None:
            if held.hash == transaction.hash:
                raise Refusal(-32000, "already known")
            old = held.transaction
            percent = 200 if new.transaction_type == BLOB else 110
            for name in ("max_fee_per_gas", "max_priority_fee_per_gas", "max_fee_per_blob_gas"):
                if getattr(new, name) * 100 < getattr(old, name) * percent:
                    raise Refusal(-32000, "replacement transaction underpriced")
        self.pool[new.nonce] = transaction
        self.sent.append(transaction)
        return "0x" + transaction.hash.hex()

    def _receipt(self, transaction_hash: str) -> dict[str, Any] | None:
        for header, transactions in self.blocks:
            for transaction in transactions:
                if transaction.hash.hex() == transaction_hash[2:]:
                    return {
                        "transactionHash": transaction_hash,
                        "blockHash": "0x" + header_hash(header).hex(),
                        "blockNumber": hex(header.number),
                        "status": "0x1",
                        "gasUsed": "0x5208",
                        "contractAddress": None,
                    }
        return None


class ScriptedL2(Endpoint):
    """Blocks are added by `add_block`; `derive` reads the batches on L1 as Holocene's rules want it."""

    def __init__(self, l1: ScriptedL1) -> None:
        super().__init__()
        self._l1 = l1
        self.config = rollup_config(l1.head)
        genesis = _header(0, bytes(32), GENESIS_TIME)
        self.blocks = [Block(genesis, header_hash(genesis), ())]
        self.safe = 0
        self.current_l1 = 0
        self.ignored_l1: set[int] = set()
        self.batches: list[SingularBatch] = []
        self.batch_versions: list[int] = []
        self._staging: list[Frame] = []

    @property
    def head(self) -> BlockId:
        return self._id(-1)

    def add_block(self, transactions: tuple[bytes, ...] = (), fork: bytes = b"") -> Block:
        """Add an unsafe block on the next L1 origin where there is one; `fork` makes it differ from others."""
        number = len(self.blocks)
        header = _header(number, self.head.hash, GENESIS_TIME + number, fork)
        last = l1_attributes_of_block(self.blocks[-1].transactions[0]) if number > 1 else None
        origin, sequence_number = 0, 0
        if last is not None:
            origin = min(last.number + 1, self._l1.head.number)
            sequence_number = last.sequence_number + 1 if origin == last.number else 0
        origin_hash = header_hash(self._l1.blocks[origin][0])
        attributes = L1Attributes(origin, header.timestamp, 1, origin_hash, sequence_number, BATCHER)
        deposit = encode_deposit(l1_attributes_deposit(self.config, attributes, header.timestamp))
        block = Block(header, header_hash(header), (deposit, *transactions))
        self.blocks.append(block)
        return block

    def drop_unsafe(self, count: int) -> None:
        """Undo the newest blocks, but no safe ones."""
        del self.blocks[max(self.safe + 1, len(self.blocks) - count) :]

    def derive(self) -> None:
        """Read L1 to its head."""
        while self.current_l1 < self._l1.head.number:
            self.current_l1 += 1
            if self.current_l1 in self.ignored_l1:
                continue
            for transaction in self._l1.blocks[self.current_l1][1]:
                assert transaction.sender == BATCHER
                if transaction.transaction.to != INBOX:
                    assert transaction.transaction.to == BATCHER
                    continue
                for data in carried_data(transaction):
                    for frame in parse_batcher_data(data):
                        self._take(frame)

    def _take(self, frame: Frame) -> None:
        if frame.number == 0:
            self._staging = []
        elif not self._staging or self._staging[-1].number + 1 != frame.number:
            return
        self._staging.append(frame)
        if frame.is_last:
            channel = b"".join(staged.data for staged in self._staging)
            for encoded in read_batches(channel):
                self.batch_versions.append(encoded[0])
                for batch in self._singular(encoded):
                    self._apply(batch)

    def _singular(self, encoded: bytes) -> list[SingularBatch]:
        """Return a batch as singular ones; what a span batch has of hashes must be right."""
        if encoded[0] != SPAN_BATCH_VERSION:
            return [decode_batch(encoded)]
        span = decode_span_batch(encoded, SpanBatchTerms.of(self.config))
        batches = []
        for block in span.blocks():
            parent = self.blocks[min(block.timestamp - GENESIS_TIME - 1, len(self.blocks) - 1)]
            if not batches and parent.hash[:20] != span.parent_check:
                return []
            origin = header_hash(self._l1.blocks[min(block.epoch_number, self._l1.head.number)][0])
            batches.append(SingularBatch(parent.hash, block.epoch_number, origin, block.timestamp, block.transactions))
        return batches if batches[-1].epoch_hash[:20] == span.l1_origin_check else []

    def _apply(self, batch: SingularBatch) -> None:
        if self.safe + 1 == len(self.blocks):
            return
        following = self.blocks[self.safe + 1]
        # A node would adopt a batch of a block that its sequencer has replaced; here it is one that never counts.
        is_following = (
            batch.timestamp == following.header.timestamp and batch.parent_hash == following.header.parent_hash
        )
        if is_following and batch.transactions == following.transactions[1:]:
            self.batches.append(batch)
            self.safe += 1

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "optimism_syncStatus":
            l1 = self._l1.blocks[min(self.current_l1, self._l1.head.number)][0]
            return {
                "current_l1": _reference(BlockId(header_hash(l1), l1.number)),
                "head_l1": _reference(self._l1.head) | {"timestamp": self._l1.blocks[-1][0].timestamp},
                "unsafe_l2": _reference(self.head),
                "safe_l2": _reference(self._id(self.safe)),
                "finalized_l2": _reference(self._id(0)),
            }
        if method == "optimism_rollupConfig":
            return self.config.to_json()
        assert method == "debug_getRawBlock"
        number = int(params[0], 16)
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        transactions = [rlp.decode(raw) if raw[0] >= 0xC0 else raw for raw in block.transactions]
        return "0x" + rlp.encode([rlp.decode(encode_header(block.header)), transactions, [], []]).hex()

    def _id(self, index: int) -> BlockId:
        block = self.blocks[index]
        return BlockId(block.hash, block.header.number)


def recover_with_sidecars(raw: bytes) -> RecoveredTransaction:
    """Read what a node is sent: blob transactions in their network form."""
    if raw[0] != BLOB:
        return recover_transaction(raw)
    envelope, sidecars = decode_network_form(raw)
    transaction = recover_transaction(envelope)
    require_named(transaction.transaction.blob_versioned_hashes, sidecars)
    return replace(transaction, sidecars=sidecars)


def carried_data(transaction: RecoveredTransaction) -> list[bytes]:
    """Return the batcher data of a transaction."""
    if transaction.sidecars:
        return [decode_blob(sidecar.blob) for sidecar in transaction.sidecars]
    return [transaction.transaction.data]


def rollup_config(l1_genesis: BlockId) -> RollupConfig:
    return RollupConfig(
        l1_chain_id=31337,
        l2_chain_id=20350,
        l1_genesis=l1_genesis,
        l2_genesis=BlockId(bytes(32), 0),
        l2_genesis_time=GENESIS_TIME,
        genesis_system_config=SystemConfig(BATCHER, bytes(32), ecotone_scalar(1, 1), 30_000_000),
        block_time=1,
        batch_inbox_address=INBOX,
        deposit_contract_address=b"\x01" * 20,
        l1_system_config_address=b"\x02" * 20,
        forks=ALL_THROUGH_ISTHMUS,
    )


def in_loop(test: Callable[[], Any]) -> None:
    """Run an asynchronous test body from a synchronous test."""
    asyncio.run(test())


def _header(number: int, parent_hash: bytes, timestamp: int, extra_data: bytes = b"") -> Header:
    return Header(
        parent_hash=parent_hash,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=bytes(20),
        state_root=EMPTY_TRIE_ROOT,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        bloom=EMPTY_BLOOM,
        difficulty=0,
        number=number,
        gas_limit=30_000_000,
        gas_used=0,
        timestamp=timestamp,
        extra_data=extra_data,
        prev_randao=bytes(32),
        nonce=bytes(8),
        base_fee_per_gas=10**9,
        withdrawals_root=EMPTY_TRIE_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=bytes(32),
        requests_hash=EMPTY_REQUESTS_HASH,
    )


def _header_json(header: Header) -> dict[str, Any]:
    def text(data: bytes | None) -> str:
        return "0x" + (data or b"").hex()

    return {
        "hash": text(header_hash(header)),
        "parentHash": text(header.parent_hash),
        "sha3Uncles": text(header.ommers_hash),
        "miner": text(header.coinbase),
        "stateRoot": text(header.state_root),
        "transactionsRoot": text(header.transactions_root),
        "receiptsRoot": text(header.receipts_root),
        "logsBloom": text(header.bloom),
        "difficulty": "0x0",
        "number": hex(header.number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": "0x0",
        "timestamp": hex(header.timestamp),
        "extraData": text(header.extra_data),
        "mixHash": text(header.prev_randao),
        "nonce": text(header.nonce),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "withdrawalsRoot": text(header.withdrawals_root),
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": text(header.parent_beacon_block_root),
        "requestsHash": text(header.requests_hash),
        "transactions": [],
    }


def _reference(block: BlockId) -> dict[str, Any]:
    return {"hash": "0x" + block.hash.hex(), "number": block.number}
