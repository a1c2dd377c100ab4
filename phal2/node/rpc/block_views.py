"""Stored blocks, transactions, receipts and logs as JSON-RPC shows them. What is asked for whole is serialised once."""

from collections.abc import Iterator
from typing import Any, Final

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
from phal2.node.rpc.formats.header import format_header
from phal2.node.rpc.formats.log import format_log
from phal2.node.rpc.formats.raw_block import encode_block
from phal2.node.rpc.formats.receipt import ReceiptPlace, blob_fields, format_receipt, l1_fee_fields
from phal2.node.rpc.formats.transaction import Inclusion, format_transaction
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.state.rules import L2Rules
from phal2.node.storage.recent_cache import RecentCache

_CACHED_BYTES: Final = 32 << 20


class BlockViews:
    """The views of one chain's stored blocks. Methods may be called from any thread; hashes are of stored blocks."""

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain
        self._store = chain.store
        self._serialised: RecentCache[tuple[bytes, str], bytes] = RecentCache(_CACHED_BYTES)

    def cached_block(self, block_hash: bytes, full: bool) -> orjson.Fragment | None:
        """Return a block's object where it has been serialised before."""
        serialised = self._serialised.get((block_hash, "full" if full else "hashes"))
        return None if serialised is None else orjson.Fragment(serialised)

    def block(self, block_hash: bytes, full: bool) -> orjson.Fragment | None:
        """Return a block's object with its transactions or, unless `full`, their hashes."""
        cached = self.cached_block(block_hash, full)
        block = self._store.block(block_hash)
        if cached is not None or block is None:
            return cached
        fields = format_header(block.header, block.hash)
        fields["size"] = quantity(len(encode_block(block)))
        fields["totalDifficulty"] = "0x0"
        fields["uncles"] = []
        if block.header.withdrawals_root is not None:
            fields["withdrawals"] = []
        fields["transactions"] = (
            [self._transaction(block, index) for index in range(len(block.transactions))]
            if full
            else [data(keccak256(envelope)) for envelope in block.transactions]
        )
        return self._serialise((block_hash, "full" if full else "hashes"), fields)

    def transaction(self, block_hash: bytes, index: int) -> dict[str, Any] | None:
        """Return the object of the transaction at `index` of a block, None where there is none."""
        block = self._store.block(block_hash)
        if block is None or not 0 <= index < len(block.transactions):
            return None
        return self._transaction(block, index)

    def raw_transaction(self, block_hash: bytes, index: int) -> bytes | None:
        """Return the envelope of the transaction at `index` of a block, None where there is none."""
        block = self._store.block(block_hash)
        return None if block is None or not 0 <= index < len(block.transactions) else block.transactions[index]

    def receipt(self, block_hash: bytes, index: int) -> dict[str, Any] | None:
        """Return the object of the receipt at `index` of a block."""
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None or not 0 <= index < len(receipts):
            return None
        logs_before = sum(len(receipt.logs) for receipt in receipts[:index])
        return self._receipt(block, receipts, index, logs_before, self._fee_parameters(block))

    def receipts(self, block_hash: bytes) -> orjson.Fragment | None:
        """Return the objects of all receipts of a block."""
        serialised = self._serialised.get((block_hash, "receipts"))
        if serialised is not None:
            return orjson.Fragment(serialised)
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None:
            return None
        objects, logs_before, parameters = [], 0, self._fee_parameters(block)
        for index, receipt in enumerate(receipts):
            objects.append(self._receipt(block, receipts, index, logs_before, parameters))
            logs_before += len(receipt.logs)
        return self._serialise((block_hash, "receipts"), objects)

    def logs(self, block_hash: bytes, removed: bool = False) -> Iterator[tuple[Log, "LogView"]]:
        """Yield each log of a block with what gives its object."""
        block, receipts = self._store.block(block_hash), self._store.receipts(block_hash)
        if block is None or receipts is None:
            return
        log_index = 0
        for transaction_index, receipt in enumerate(receipts):
            for log in receipt.logs:
                yield log, LogView(block, log, transaction_index, log_index, removed)
                log_index += 1

    def _transaction(self, block: Block, index: int) -> dict[str, Any]:
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
        return format_transaction(recovered, inclusion)

    def _receipt(
        self,
        block: Block,
        receipts: tuple[Receipt, ...],
        index: int,
        logs_before: int,
        parameters: tuple[L1FeeParameters, Fork] | None,
    ) -> dict[str, Any]:
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
        return fields

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

    def _serialise(self, key: tuple[bytes, str], value: Any) -> orjson.Fragment:
        serialised = orjson.dumps(value)
        self._serialised.put(key, serialised, len(serialised))
        return orjson.Fragment(serialised)


class LogView:
    """A log with its place, shown only when asked for: most logs of a search do not match."""

    __slots__ = ("_block", "_log", "_log_index", "_removed", "_transaction_index")

    def __init__(self, block: Block, log: Log, transaction_index: int, log_index: int, removed: bool) -> None:
        self._block = block
        self._log = log
        self._transaction_index = transaction_index
        self._log_index = log_index
        self._removed = removed

    def show(self) -> dict[str, Any]:
        """Return the log's object."""
        header = self._block.header
        return format_log(
            self._log,
            self._block.hash,
            header.number,
            header.timestamp,
            keccak256(self._block.transactions[self._transaction_index]),
            self._transaction_index,
            self._log_index,
            self._removed,
        )
