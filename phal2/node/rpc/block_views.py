"""Stored blocks, transactions, receipts and logs as JSON-RPC shows them. What is asked for whole is serialised once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from phal2.node.protocol.fees import L1FeeParameters
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Block
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_attributes import l1_attributes_of_block
from phal2.node.protocol.receipts import Log, Receipt
from phal2.node.protocol.transaction_codec import RecoveredTransaction, decode_transaction
from phal2.node.protocol.transactions import ATTESTED, BLOB, DEPOSIT
from phal2.node.rpc.blob_price import blob_gas_price
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.formats.block import format_block
from phal2.node.rpc.formats.log import format_log
from phal2.node.rpc.formats.receipt import ReceiptPlace, blob_fields, format_receipt, l1_fee_fields
from phal2.node.rpc.formats.transaction import Inclusion, format_transaction
from phal2.node.rpc.hexadecimal import data
from phal2.node.state.rules import L2Rules
from phal2.node.storage.recent_cache import RecentCache

_CACHED_BYTES: Final = 32 << 20
_MATCHES_WEIGHT: Final = 200
"""Bytes of what is kept beside the objects: the entry, and each address and topic of the filter."""

FilterKey: TypeAlias = tuple[frozenset[bytes], tuple[frozenset[bytes], ...]]
"""Addresses and topics of a filter."""


@dataclass(frozen=True, slots=True)
class MatchingLogs:
    """How many logs of a block a filter means, and their objects with commas between them."""

    count: int
    objects: bytes


class BlockViews:
    """The views of one chain's stored blocks. Methods may be called from any thread; hashes are of stored blocks."""

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain
        self._store = chain.store
        self._serialised: RecentCache[tuple[bytes, str, int], bytes] = RecentCache(_CACHED_BYTES)
        self._matches: RecentCache[tuple[bytes, FilterKey], MatchingLogs] = RecentCache(_CACHED_BYTES)

    def cached_block(self, block_hash: bytes, full: bool) -> orjson.Fragment | None:
        """Return a block's object where it has been serialised before."""
        serialised = self._serialised.get((block_hash, "full" if full else "hashes", 0))
        return None if serialised is None else orjson.Fragment(serialised)

    def block(self, block_hash: bytes, full: bool) -> orjson.Fragment | None:
        """Return a block's object with its transactions or, unless `full`, their hashes."""
        cached = self.cached_block(block_hash, full)
        block = self._store.block(block_hash)
        if cached is not None or block is None:
            return cached
        transactions: list[Any] = (
            [self._transaction(block, index) for index in range(len(block.transactions))]
            if full
            else [data(keccak256(envelope)) for envelope in block.transactions]
        )
        fields = format_block(block, transactions)
        return self._serialise((block_hash, "full" if full else "hashes", 0), fields)

    def transaction(self, block_hash: bytes, index: int) -> orjson.Fragment | None:
        """Return the object of the transaction at `index` of a block, None where there is none."""
        serialised = self._serialised.get((block_hash, "transaction", index))
        if serialised is not None:
            return orjson.Fragment(serialised)
        block = self._store.block(block_hash)
        if block is None or not 0 <= index < len(block.transactions):
            return None
        return self._transaction(block, index)

    def raw_transaction(self, block_hash: bytes, index: int) -> bytes | None:
        """Return the envelope of the transaction at `index` of a block, None where there is none."""
        block = self._store.block(block_hash)
        return None if block is None or not 0 <= index < len(block.transactions) else block.transactions[index]

    def cached_receipt(self, block_hash: bytes, index: int) -> orjson.Fragment | None:
        """Return a receipt's object where it has been serialised before."""
        serialised = self._serialised.get((block_hash, "receipt", index))
        return None if serialised is None else orjson.Fragment(serialised)

    def receipt(self, block_hash: bytes, index: int) -> orjson.Fragment | None:
        """Return the object of the receipt at `index` of a block."""
        cached = self.cached_receipt(block_hash, index)
        if cached is not None:
            return cached
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None or not 0 <= index < len(receipts):
            return None
        logs_before = sum(len(receipt.logs) for receipt in receipts[:index])
        return self._receipt(block, receipts, index, logs_before, self._fee_parameters(block))

    def cached_receipts(self, block_hash: bytes) -> orjson.Fragment | None:
        """Return the objects of a block's receipts where they have been serialised before."""
        serialised = self._serialised.get((block_hash, "receipts", 0))
        return None if serialised is None else orjson.Fragment(serialised)

    def receipts(self, block_hash: bytes) -> orjson.Fragment | None:
        """Return the objects of all receipts of a block."""
        cached = self.cached_receipts(block_hash)
        if cached is not None:
            return cached
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None:
            return None
        objects, logs_before, parameters = [], 0, self._fee_parameters(block)
        for index, receipt in enumerate(receipts):
            objects.append(self._receipt(block, receipts, index, logs_before, parameters))
            logs_before += len(receipt.logs)
        return self._serialise((block_hash, "receipts", 0), objects)

    def logs(self, block_hash: bytes, removed: bool = False) -> Iterator[tuple[Log, "LogView"]]:
        """Yield each log of a block with what gives its object."""
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None:
            return
        log_index = 0
        for transaction_index, receipt in enumerate(receipts):
            for log in receipt.logs:
                yield log, LogView(self, block, log, transaction_index, log_index, removed)
                log_index += 1

    def log(self, block: Block, log: Log, transaction_index: int, log_index: int) -> orjson.Fragment:
        """Return the object of a log of a block."""
        key = (block.hash, "log", log_index)
        serialised = self._serialised.get(key)
        if serialised is not None:
            return orjson.Fragment(serialised)
        return self._serialise(key, show_log(block, log, transaction_index, log_index, removed=False))

    def cached_matches(self, block_hash: bytes, filter_key: FilterKey) -> MatchingLogs | None:
        """Return which logs of a block a filter means, where it was searched for them before."""
        return self._matches.get((block_hash, filter_key))

    def keep_matches(self, block_hash: bytes, filter_key: FilterKey, matches: Sequence[Any]) -> MatchingLogs:
        """Remember which logs of a block a filter means, and return them."""
        found = MatchingLogs(len(matches), orjson.dumps(matches)[1:-1])
        addresses, topics = filter_key
        weight = _MATCHES_WEIGHT * (1 + len(addresses) + sum(map(len, topics))) + len(found.objects)
        self._matches.put((block_hash, filter_key), found, weight)
        return found

    def recovered(self, block: Block) -> Iterator[RecoveredTransaction]:
        """Yield the transactions of a block with their senders."""
        return (self._recovered(block, index) for index in range(len(block.transactions)))

    def _transaction(self, block: Block, index: int) -> orjson.Fragment:
        key = (block.hash, "transaction", index)
        serialised = self._serialised.get(key)
        if serialised is not None:
            return orjson.Fragment(serialised)
        recovered = self._recovered(block, index)
        deposit_nonce = deposit_receipt_version = verified = None
        if recovered.transaction.transaction_type == DEPOSIT:
            receipts = self._store.receipts(block.hash)
            if receipts is not None:
                deposit_nonce = receipts[index].deposit_nonce
                deposit_receipt_version = receipts[index].deposit_receipt_version
        elif recovered.transaction.transaction_type == ATTESTED:
            verified = self._store.attestation(block.hash, index)
        header = block.header
        inclusion = Inclusion(
            block_hash=block.hash,
            block_number=header.number,
            timestamp=header.timestamp,
            index=index,
            base_fee_per_gas=header.base_fee_per_gas,
            deposit_nonce=deposit_nonce,
            deposit_receipt_version=deposit_receipt_version,
            attestation=verified,
        )
        return self._serialise(key, format_transaction(recovered, inclusion))

    def _receipt(
        self,
        block: Block,
        receipts: tuple[Receipt, ...],
        index: int,
        logs_before: int,
        parameters: tuple[L1FeeParameters, Fork] | None,
    ) -> orjson.Fragment:
        key = (block.hash, "receipt", index)
        serialised = self._serialised.get(key)
        if serialised is not None:
            return orjson.Fragment(serialised)
        recovered = self._recovered(block, index)
        gas_used_before = receipts[index - 1].cumulative_gas_used if index else 0
        place = ReceiptPlace(block.header, block.hash, index, gas_used_before, logs_before)
        fields = format_receipt(receipts[index], recovered, place)
        transaction_type = recovered.transaction.transaction_type
        if parameters is not None and transaction_type != DEPOSIT:
            fields.update(l1_fee_fields(recovered.raw, *parameters))
        if transaction_type == BLOB:
            price = blob_gas_price(self._chain.rules, block.header.excess_blob_gas)
            fields.update(blob_fields(len(recovered.transaction.blob_versioned_hashes), price))
        return self._serialise(key, fields)

    def _recovered(self, block: Block, index: int) -> RecoveredTransaction:
        envelope = block.transactions[index]
        senders = self._store.senders(block.hash) or ()
        return RecoveredTransaction(decode_transaction(envelope), envelope, keccak256(envelope), senders[index])

    def _fee_parameters(self, block: Block) -> tuple[L1FeeParameters, Fork] | None:
        rules = self._chain.rules
        if not isinstance(rules, L2Rules) or not block.transactions:
            return None
        parameters = l1_attributes_of_block(block.transactions[0]).fee_parameters
        return parameters, rules.config.forks.fork_at(block.header.timestamp)

    def _serialise(self, key: tuple[bytes, str, int], value: Any) -> orjson.Fragment:
        serialised = orjson.dumps(value)
        self._serialised.put(key, serialised, len(serialised))
        return orjson.Fragment(serialised)


class LogView:
    """A log with its place, shown only when asked for: most logs of a search do not match."""

    __slots__ = ("_block", "_log", "_log_index", "_removed", "_transaction_index", "_views")

    def __init__(
        self, views: BlockViews, block: Block, log: Log, transaction_index: int, log_index: int, removed: bool
    ) -> None:
        self._views = views
        self._block = block
        self._log = log
        self._transaction_index = transaction_index
        self._log_index = log_index
        self._removed = removed

    def show(self) -> orjson.Fragment | dict[str, Any]:
        """Return the log's object."""
        if self._removed:
            return show_log(self._block, self._log, self._transaction_index, self._log_index, removed=True)
        return self._views.log(self._block, self._log, self._transaction_index, self._log_index)


def show_log(block: Block, log: Log, transaction_index: int, log_index: int, removed: bool) -> dict[str, Any]:
    """Return the object of a log of a block; `removed` where the chain has left the block."""
    header = block.header
    transaction_hash = keccak256(block.transactions[transaction_index])
    return format_log(
        log, block.hash, header.number, header.timestamp, transaction_hash, transaction_index, log_index, removed
    )
