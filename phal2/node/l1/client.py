"""The checked L1 client: blocks whose every part was held against the header's hash and roots.

An endpoint can still withhold blocks or serve a chain that is not the canonical one; it cannot alter what a block
contains.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from phal2.node.l1.checked_block import (
    OtherTransactionsRoot,
    blob_transactions,
    check_network_forms,
    checked_header,
    checked_receipts,
    checked_transactions,
    may_have_logs,
)
from phal2.node.l1.errors import (
    METHOD_NOT_FOUND_CODE,
    EndpointRefused,
    EndpointUnavailable,
    InvalidAnswer,
    UnsupportedL1Transaction,
)
from phal2.node.l1.json_fields import JsonObject, as_data, as_list, as_object, as_quantity, data, quantity
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.l1.json_transaction import UnknownTransactionType
from phal2.node.protocol.blob_sidecars import decode_network_form
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.headers import Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.receipts import Receipt
from phal2.node.protocol.transactions import BLOB

BlockTag: TypeAlias = Literal["latest", "safe", "finalized", "earliest"]
BlockSelector: TypeAlias = BlockTag | int | bytes
"""A tag, a number, or a 32-byte hash."""

_UNKNOWN_BLOCK_CODES: Final = (-39001, -38001)
_RECEIPTS_IN_A_BATCH: Final = 100
_FALLBACK_PRIORITY_FEE: Final = 1_000_000_000

MOST_PRIORITY_FEE: Final = 50_000_000_000
"""In wei per gas: what those who pay should tip at most, whatever an endpoint suggests. Unlike the fee cap, of which
only what the chain charges is paid, a tip is paid whole."""


@dataclass(frozen=True, slots=True)
class GasFees:
    """Fees in wei per gas: the head's base fee, and the priority fee that the endpoint suggests."""

    base_fee_per_gas: int
    max_priority_fee_per_gas: int


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """Where a transaction was mined and whether it succeeded, in the endpoint's words (not held against a root)."""

    hash: bytes
    block_hash: bytes
    block_number: int
    succeeded: bool
    gas_used: int
    contract_address: bytes | None


class L1Client:
    """One L1 endpoint, read with checks.

    Every method raises `EndpointUnavailable` (try again later), `EndpointRefused` (the endpoint's own error) or
    `InvalidAnswer` (what came is malformed or contradicts itself). Use from one event loop; `close` when done.
    """

    def __init__(self, url: str, timeout_seconds: float = 20.0, attempts: int = 1) -> None:
        """`attempts` is as of `JsonRpcClient`: for one whose work takes many requests in a row."""
        self.rpc = JsonRpcClient(url, timeout_seconds, attempts=attempts)
        self._has_block_receipts = True

    async def close(self) -> None:
        """Close the connections."""
        await self.rpc.close()

    async def chain_id(self) -> int:
        """Return the chain id."""
        return await self._quantity("eth_chainId")

    async def header(self, selector: BlockSelector) -> tuple[Header, bytes] | None:
        """Return a block's header and hash, or None where the endpoint has no such block."""
        block = await self._block_json(selector, full_transactions=False)
        if block is None:
            return None
        with self._checking():
            return self._selected_header(block, selector)

    async def block_ref(self, selector: BlockSelector) -> L1BlockRef | None:
        """Return a reference to a block, or None where the endpoint has no such block."""
        found = await self.header(selector)
        if found is None:
            return None
        header, block_hash = found
        return L1BlockRef(block_hash, header.number, header.parent_hash, header.timestamp)

    async def block(
        self, selector: BlockSelector, watched_addresses: Sequence[bytes], watched_topics: Sequence[bytes] = ()
    ) -> L1Block | None:
        """Return a block with its transactions, or None where the endpoint has no such block.

        Receipts are there only where the header's bloom filter admits a log of a watched address with a watched topic
        (with no topics given: with any topic); else they are empty.
        """
        json = await self._block_json(selector, full_transactions=True)
        if json is None:
            return None
        with self._checking():
            header, block_hash = self._selected_header(json, selector)
            try:
                transactions = checked_transactions(json, header)
            except OtherTransactionsRoot as error:
                transactions = await self._with_network_forms(header, error)
        receipts: tuple[Receipt, ...] = ()
        if may_have_logs(header.bloom, watched_addresses, watched_topics):
            receipts = await self._receipts(header, block_hash, transactions)
        return L1Block(header, block_hash, transactions, receipts)

    async def send_raw_transaction(self, raw: bytes) -> bytes:
        """Send an envelope, or a blob transaction in its network form, to the pool; return the transaction's hash."""
        method = "eth_sendRawTransaction"
        answer = await self.rpc.call(method, _hex(raw))
        transaction_hash = keccak256(decode_network_form(raw)[0] if raw[:1] == bytes([BLOB]) else raw)
        with self._checking(method):
            stated = as_data(answer, "result", 32)
        if stated != transaction_hash:
            raise InvalidAnswer(self.rpc.url, f"sent transaction {_hex(transaction_hash)}, was told {_hex(stated)}")
        return transaction_hash

    async def transaction_receipt(self, transaction_hash: bytes) -> MinedTransaction | None:
        """Return where a transaction was mined, or None where it was not."""
        method = "eth_getTransactionReceipt"
        answer = await self.rpc.call(method, _hex(transaction_hash))
        if answer is None:
            return None
        with self._checking(method):
            receipt = as_object(answer, "result")
            if data(receipt, "transactionHash", 32) != transaction_hash:
                raise InvalidAnswer(self.rpc.url, f"{method}: the receipt is of another transaction")
            created = receipt.get("contractAddress")
            return MinedTransaction(
                hash=transaction_hash,
                block_hash=data(receipt, "blockHash", 32),
                block_number=quantity(receipt, "blockNumber", 8),
                succeeded=quantity(receipt, "status", 1) == 1,
                gas_used=quantity(receipt, "gasUsed", 8),
                contract_address=None if created is None else as_data(created, "contractAddress", 20),
            )

    async def transaction_count(self, address: bytes, block: BlockTag | Literal["pending"] = "latest") -> int:
        """Return an account's nonce after `block`."""
        return await self._quantity("eth_getTransactionCount", _hex(address), block)

    async def balance(self, address: bytes, block: BlockTag = "latest") -> int:
        """Return an account's balance in wei after `block`."""
        return await self._quantity("eth_getBalance", _hex(address), block)

    async def gas_fees(self) -> GasFees:
        """Return the head's base fee and the suggested priority fee (1 gwei where the endpoint suggests none)."""
        head = await self.header("latest")
        if head is None:
            raise EndpointUnavailable(self.rpc.url, "the endpoint has no blocks yet")
        try:
            priority_fee = await self._quantity("eth_maxPriorityFeePerGas")
        except EndpointRefused:
            priority_fee = _FALLBACK_PRIORITY_FEE
        return GasFees(head[0].base_fee_per_gas or 0, priority_fee)

    async def blob_base_fee(self) -> int | None:
        """Return what blob gas costs in the next block in wei, None where the chain has no blobs."""
        method = "eth_blobBaseFee"
        try:
            answer = await self.rpc.call(method)
        except EndpointRefused as error:
            if error.code != METHOD_NOT_FOUND_CODE:
                raise
            return None
        if answer is None:
            return None
        with self._checking(method):
            return as_quantity(answer, "result")

    async def call(self, to: bytes, call_data: bytes, block: BlockSelector = "latest") -> bytes:
        """Call a contract without a transaction and return what it returns; `EndpointRefused` where it reverts."""
        return await self._data("eth_call", {"to": _hex(to), "data": _hex(call_data)}, _selector_parameter(block))

    async def get_code(self, address: bytes, block: BlockSelector = "latest") -> bytes:
        """Return an account's code, empty where it has none."""
        return await self._data("eth_getCode", _hex(address), _selector_parameter(block))

    async def _quantity(self, method: str, *parameters: object) -> int:
        answer = await self.rpc.call(method, *parameters)
        with self._checking(method):
            return as_quantity(answer, "result")

    async def _data(self, method: str, *parameters: object) -> bytes:
        answer = await self.rpc.call(method, *parameters)
        with self._checking(method):
            return as_data(answer, "result")

    async def _block_json(self, selector: BlockSelector, full_transactions: bool) -> JsonObject | None:
        method = "eth_getBlockByHash" if isinstance(selector, bytes) else "eth_getBlockByNumber"
        try:
            answer = await self.rpc.call(method, _selector_parameter(selector), full_transactions)
        except EndpointRefused as error:
            # Before the first finalized block some endpoints answer null, others with an error.
            if error.code in _UNKNOWN_BLOCK_CODES or "not found" in error.message.lower():
                return None
            raise
        if answer is None:
            return None
        with self._checking(method):
            return as_object(answer, "result")

    def _selected_header(self, block: JsonObject, selector: BlockSelector) -> tuple[Header, bytes]:
        header, block_hash = checked_header(block)
        if isinstance(selector, bytes) and block_hash != selector:
            raise InvalidAnswer(self.rpc.url, f"asked for block {_hex(selector)}, got {_hex(block_hash)}")
        if isinstance(selector, int) and header.number != selector:
            raise InvalidAnswer(self.rpc.url, f"asked for block {selector}, got block {header.number}")
        return header, block_hash

    async def _with_network_forms(self, header: Header, error: OtherTransactionsRoot) -> tuple[bytes, ...]:
        """Return the transactions of a block whose root is over their network form; raise `error` where it is not."""
        positions = blob_transactions(error.envelopes)
        if not positions:
            raise error
        method, network_forms = "eth_getRawTransactionByHash", {}
        for position in positions:
            answer = await self.rpc.call(method, _hex(keccak256(error.envelopes[position])))
            if answer is None:
                raise error
            network_forms[position] = as_data(answer, "result")
        check_network_forms(error.envelopes, network_forms, header)
        return error.envelopes

    async def _receipts(self, header: Header, block_hash: bytes, transactions: Sequence[bytes]) -> tuple[Receipt, ...]:
        answers = await self._block_receipts_json(block_hash) if self._has_block_receipts else None
        if answers is None:
            answers = await self._single_receipts_json(block_hash, transactions)
        with self._checking():
            return checked_receipts(answers, header)

    async def _block_receipts_json(self, block_hash: bytes) -> list[object] | None:
        """Return the receipts as JSON, or None where the endpoint lacks the method (then it is not asked again)."""
        method = "eth_getBlockReceipts"
        try:
            answer = await self.rpc.call(method, _hex(block_hash))
        except EndpointRefused as error:
            if error.code != METHOD_NOT_FOUND_CODE:
                raise
            self._has_block_receipts = False
            return None
        if answer is None:
            raise self._receipts_missing(block_hash)
        with self._checking(method):
            return as_list(answer, "result")

    async def _single_receipts_json(self, block_hash: bytes, transactions: Sequence[bytes]) -> list[object]:
        hashes = [_hex(keccak256(transaction)) for transaction in transactions]
        answers: list[object] = []
        for start in range(0, len(hashes), _RECEIPTS_IN_A_BATCH):
            chunk = hashes[start : start + _RECEIPTS_IN_A_BATCH]
            answers += await self.rpc.batch([("eth_getTransactionReceipt", [name]) for name in chunk])
        if any(answer is None for answer in answers):
            raise self._receipts_missing(block_hash)
        return answers

    def _receipts_missing(self, block_hash: bytes) -> EndpointUnavailable:
        return EndpointUnavailable(
            self.rpc.url, f"has no receipts of block {_hex(block_hash)}: not yet, or the block is no longer canonical"
        )

    @contextmanager
    def _checking(self, method: str = "eth_getBlock") -> Iterator[None]:
        """Turn what is wrong with an answer into `InvalidAnswer` with the endpoint's name."""
        try:
            yield
        except UnknownTransactionType as error:
            raise UnsupportedL1Transaction(self.rpc.url, error.transaction_type) from error
        except InvalidEncoding as error:
            raise InvalidAnswer(self.rpc.url, f"{method}: {error}") from error


def _selector_parameter(selector: BlockSelector) -> str:
    if isinstance(selector, bytes):
        return _hex(selector)
    return hex(selector) if isinstance(selector, int) else selector


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
