"""An L1 endpoint that serves fabricated blocks whose roots are right, and that can be told to lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web
from header_json import header_json

from phal2.node.protocol.headers import EMPTY_OMMERS_HASH, EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT, Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import Log, Receipt, encode_receipt, join_blooms, logs_bloom
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

CHAIN_ID = 31337
KEY = keccak256(b"sender")
WATCHED = b"\x0a" * 20
UNWATCHED = b"\x0b" * 20
TOPIC = keccak256(b"TransactionDeposited")
METHOD_NOT_FOUND = -32601


@dataclass(frozen=True)
class FabricatedBlock:
    header: Header
    transactions: tuple[SignedTransaction, ...]
    receipts: tuple[Receipt, ...]

    @property
    def hash(self) -> bytes:
        return header_hash(self.header)


def transactions_of_all_types() -> tuple[SignedTransaction, ...]:
    call = {"gas_limit": 90_000, "value": 7, "data": b"\x01\x02"}
    signature = {"y_parity": 0, "r": 1, "s": 1}
    typed = {"chain_id": CHAIN_ID, "access_list": ((UNWATCHED, (bytes(31) + b"\x05", bytes(32))),), **call, **signature}
    fees = {"max_priority_fee_per_gas": 2, "max_fee_per_gas": 30}
    authorization = Authorization(0, UNWATCHED, 3, 1, 11, 12)
    return (
        signed(LegacyTransaction(nonce=0, gas_price=9, to=WATCHED, v=27, r=1, s=1, **call)),
        signed(LegacyTransaction(nonce=1, gas_price=9, to=None, v=35 + 2 * CHAIN_ID, r=1, s=1, **call)),
        signed(AccessListTransaction(nonce=2, gas_price=9, to=WATCHED, **typed)),
        signed(DynamicFeeTransaction(nonce=3, to=None, **fees, **typed)),
        signed(
            BlobTransaction(
                nonce=4,
                to=WATCHED,
                max_fee_per_blob_gas=5,
                blob_versioned_hashes=(b"\x01" + bytes(31),),
                **fees,
                **typed,
            )
        ),
        signed(SetCodeTransaction(nonce=5, to=WATCHED, authorization_list=(authorization,), **fees, **typed)),
    )


def signed(transaction: SignedTransaction) -> SignedTransaction:
    y_parity, r, s = sign(signing_hash(transaction), KEY)
    if isinstance(transaction, LegacyTransaction):
        v = 27 + y_parity if transaction.v in (27, 28) else 35 + 2 * CHAIN_ID + y_parity
        return replace(transaction, v=v, r=r, s=s)
    return replace(transaction, y_parity=y_parity, r=r, s=s)


def fabricate_block(
    number: int,
    parent_hash: bytes = bytes(32),
    transactions: Sequence[SignedTransaction] = (),
    log_addresses: Sequence[bytes] = (),
) -> FabricatedBlock:
    """Return a block; its n-th transaction, if there is one, logs from the n-th address."""
    receipts = []
    for index, transaction in enumerate(transactions):
        logs = (Log(log_addresses[index], (TOPIC,), b"\x01" * 40),) if index < len(log_addresses) else ()
        receipts.append(
            Receipt(transaction.transaction_type, int(index != 1), 21_000 * (index + 1), logs_bloom(logs), logs)
        )
    header = Header(
        parent_hash=parent_hash,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=b"\x0c" * 20,
        state_root=keccak256(b"state"),
        transactions_root=ordered_trie_root([encode_transaction(transaction) for transaction in transactions]),
        receipts_root=ordered_trie_root([encode_receipt(receipt) for receipt in receipts]),
        bloom=join_blooms(receipt.bloom for receipt in receipts),
        difficulty=0,
        number=number,
        gas_limit=30_000_000,
        gas_used=21_000 * len(transactions),
        timestamp=1_700_000_000 + 2 * number,
        extra_data=b"fabricated",
        prev_randao=keccak256(b"randao"),
        nonce=bytes(8),
        base_fee_per_gas=1_000_000_000,
        withdrawals_root=EMPTY_TRIE_ROOT,
        blob_gas_used=131_072,
        excess_blob_gas=0,
        parent_beacon_block_root=keccak256(b"beacon"),
        requests_hash=EMPTY_REQUESTS_HASH,
    )
    return FabricatedBlock(header, tuple(transactions), tuple(receipts))


def block_json(block: FabricatedBlock, full: bool) -> dict[str, Any]:
    return {
        "hash": _hex(block.hash),
        **header_json(block.header),
        "size": "0x400",
        "uncles": [],
        "withdrawals": [],
        "transactions": [
            transaction_json(transaction) if full else _hex(keccak256(encode_transaction(transaction)))
            for transaction in block.transactions
        ],
    }


def transaction_json(transaction: SignedTransaction) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "hash": _hex(keccak256(encode_transaction(transaction))),
        "type": hex(transaction.transaction_type),
        "nonce": hex(transaction.nonce),
        "gas": hex(transaction.gas_limit),
        "to": None if transaction.to is None else _hex(transaction.to),
        "value": hex(transaction.value),
        "input": _hex(transaction.data),
        "r": hex(transaction.r),
        "s": hex(transaction.s),
    }
    if isinstance(transaction, LegacyTransaction):
        return {**shown, "gasPrice": hex(transaction.gas_price), "v": hex(transaction.v)}
    shown |= {
        "chainId": hex(transaction.chain_id),
        "v": hex(transaction.y_parity),
        "yParity": hex(transaction.y_parity),
        "accessList": [
            {"address": _hex(address), "storageKeys": [_hex(key) for key in keys]}
            for address, keys in transaction.access_list
        ],
    }
    if isinstance(transaction, AccessListTransaction):
        return {**shown, "gasPrice": hex(transaction.gas_price)}
    shown |= {
        "maxFeePerGas": hex(transaction.max_fee_per_gas),
        "maxPriorityFeePerGas": hex(transaction.max_priority_fee_per_gas),
    }
    if isinstance(transaction, BlobTransaction):
        shown["maxFeePerBlobGas"] = hex(transaction.max_fee_per_blob_gas)
        shown["blobVersionedHashes"] = [_hex(versioned_hash) for versioned_hash in transaction.blob_versioned_hashes]
    if isinstance(transaction, SetCodeTransaction):
        shown["authorizationList"] = [
            {
                "chainId": hex(item.chain_id),
                "address": _hex(item.address),
                "nonce": hex(item.nonce),
                "yParity": hex(item.y_parity),
                "r": hex(item.r),
                "s": hex(item.s),
            }
            for item in transaction.authorization_list
        ]
    return shown


def receipts_json(block: FabricatedBlock) -> list[dict[str, Any]]:
    return [
        {
            "transactionHash": _hex(keccak256(encode_transaction(transaction))),
            "blockHash": _hex(block.hash),
            "blockNumber": hex(block.header.number),
            "contractAddress": None,
            "type": hex(receipt.transaction_type),
            "status": hex(receipt.status),
            "gasUsed": hex(21_000),
            "cumulativeGasUsed": hex(receipt.cumulative_gas_used),
            "logsBloom": _hex(receipt.bloom),
            "logs": [
                {
                    "address": _hex(log.address),
                    "topics": [_hex(topic) for topic in log.topics],
                    "data": _hex(log.data),
                    "logIndex": hex(index),
                }
                for index, log in enumerate(receipt.logs)
            ],
        }
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True)
    ]


@dataclass
class FabricatedL1:
    """JSON-RPC over HTTP. `tamper` may change any result before it is sent; `calls` counts the methods."""

    blocks: list[FabricatedBlock]
    has_block_receipts: bool = True
    tamper: Callable[[str, Any], Any] = lambda _, result: result
    raw_response: web.Response | None = None
    raw_transactions: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> "FabricatedL1":
        application = web.Application()
        application.router.add_post("/", self._handle)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.raw_response is not None:
            return self.raw_response
        body = orjson.loads(await request.read())
        answer = [self._answer(one) for one in body] if isinstance(body, list) else self._answer(body)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        method = request["method"]
        self.calls.append(method)
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        if method == "eth_getBlockReceipts" and not self.has_block_receipts:
            return {**answer, "error": {"code": METHOD_NOT_FOUND, "message": "no such method"}}
        return {**answer, "result": self.tamper(method, self._result(method, request["params"]))}

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_getBlockByNumber":
            tags = {"latest": -1, "finalized": 0, "earliest": 0}
            index = tags[params[0]] if params[0] in tags else int(params[0], 16)
            return block_json(self.blocks[index], params[1]) if index < len(self.blocks) else None
        if method == "eth_getBlockByHash":
            found = [block for block in self.blocks if _hex(block.hash) == params[0]]
            return block_json(found[0], params[1]) if found else None
        if method == "eth_getBlockReceipts":
            found = [block for block in self.blocks if _hex(block.hash) == params[0]]
            return receipts_json(found[0]) if found else None
        if method == "eth_getTransactionReceipt":
            receipts = [receipt for block in self.blocks for receipt in receipts_json(block)]
            return next((receipt for receipt in receipts if receipt["transactionHash"] == params[0]), None)
        if method == "eth_getRawTransactionByHash":
            return self.raw_transactions.get(params[0])
        constants = {"eth_chainId": hex(CHAIN_ID), "eth_maxPriorityFeePerGas": "0x3b9aca00", "eth_getCode": "0x6001"}
        return constants[method]


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
