"""eth methods about the chain as a whole: its id, its tip, its prices."""

from typing import Any, Final

from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.headers import Header
from phal2.node.protocol.transaction_codec import decode_transaction
from phal2.node.rpc.blob_price import MAXIMUM_BLOB_GAS, blob_gas_price
from phal2.node.rpc.block_reference import BlockNumber, require_block_hash
from phal2.node.rpc.cancellation import Deadline, run_bounded
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import SERVER_ERROR, RpcError
from phal2.node.rpc.hexadecimal import quantity
from phal2.node.rpc.parameter_types import Count, Percentiles
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import ADDRESS, BOOLEAN, FEE_HISTORY, QUANTITY, list_of
from phal2.node.rpc.workers import Workers
from phal2.node.state.environment import BlockEnvironment

MAXIMUM_FEE_HISTORY: Final = 1_024
"""Blocks that one fee history tells of, as in geth."""

FEE_HISTORY_SECONDS: Final = 10.0


class ChainMethods:
    """chainId, blockNumber, prices, fee history, and what a node without a wallet says of syncing and accounts."""

    def __init__(self, chain: ChainService, workers: Workers, history_seconds: float = FEE_HISTORY_SECONDS) -> None:
        self._chain = chain
        self._workers = workers
        self._history_seconds = history_seconds

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("eth_chainId", self.chain_id, result=QUANTITY)
        registry.add("eth_blockNumber", self.block_number, result=QUANTITY)
        registry.add("eth_syncing", self.syncing, result=BOOLEAN)
        registry.add("eth_accounts", self.accounts, result=list_of(ADDRESS))
        registry.add("eth_gasPrice", self.gas_price, result=QUANTITY)
        registry.add("eth_maxPriorityFeePerGas", self.max_priority_fee_per_gas, result=QUANTITY)
        registry.add("eth_baseFee", self.base_fee, result=QUANTITY)
        registry.add("eth_blobBaseFee", self.blob_base_fee, result=QUANTITY)
        registry.add("eth_feeHistory", self.fee_history, result=FEE_HISTORY)

    def chain_id(self) -> str:
        """Return the chain id of EIP-155."""
        return quantity(self._chain.chain_id)

    def block_number(self) -> str:
        """Return the number of the newest block."""
        return quantity(self._chain.head_id().number)

    def syncing(self) -> bool:
        """Return false: a node serves the chain that it has and is never behind itself."""
        return False

    def accounts(self) -> list[str]:
        """Return no accounts: the node holds no keys."""
        return []

    def gas_price(self) -> str:
        """Return the next block's base fee and the suggested tip."""
        return quantity(self._chain.pending_environment().base_fee_per_gas + self._chain.suggested_priority_fee())

    def max_priority_fee_per_gas(self) -> str:
        """Return the suggested tip."""
        return quantity(self._chain.suggested_priority_fee())

    def base_fee(self) -> str:
        """Return the base fee of the next block."""
        return quantity(self._chain.pending_environment().base_fee_per_gas)

    def blob_base_fee(self) -> str:
        """Return what blob gas costs in the next block; 1 on L2, which has no blobs."""
        return quantity(blob_gas_price(self._chain.rules, self._chain.pending_environment().excess_blob_gas))

    async def fee_history(
        self, block_count: Count, newest_block: BlockNumber, reward_percentiles: Percentiles | None = None
    ) -> dict[str, Any]:
        """Return base fees, fullness and tips (at percentiles of gas) of the blocks up to the newest (EIP-1559)."""
        percentiles = reward_percentiles or ()
        _require_rising(percentiles)
        head = self._chain.head_id().number
        if newest_block.number is not None and newest_block.number > head:
            message = f"request beyond head block: requested {newest_block.number}, head {head}"
            raise RpcError(SERVER_ERROR, message)
        newest = self._chain.store.header(require_block_hash(self._chain, newest_block))
        if newest is None or block_count == 0:
            return {"oldestBlock": "0x0", "gasUsedRatio": []}
        following = self._chain.store.header_by_number(newest.number + 1)
        next_fees = self._fees_of(self._chain.pending_environment() if following is None else following)
        count = min(block_count, MAXIMUM_FEE_HISTORY)
        return await run_bounded(
            self._workers, self._history_seconds, self._fee_history, count, newest, next_fees, percentiles
        )

    def _fee_history(
        self,
        deadline: Deadline,
        block_count: int,
        newest: Header,
        next_fees: tuple[int, int],
        percentiles: tuple[float, ...],
    ) -> dict[str, Any]:
        store = self._chain.store
        oldest = max(newest.number - block_count + 1, store.genesis.number)
        hashes = [found for number in range(oldest, newest.number + 1) if (found := store.block_hash(number))]
        headers = [header for block_hash in hashes if (header := store.header(block_hash))]
        base_fees, blob_fees = zip(*map(self._fees_of, headers), next_fees, strict=True)
        history: dict[str, Any] = {
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": [quantity(fee) for fee in base_fees],
            "gasUsedRatio": [header.gas_used / max(header.gas_limit, 1) for header in headers],
            "baseFeePerBlobGas": [quantity(fee) for fee in blob_fees],
            "blobGasUsedRatio": [(header.blob_gas_used or 0) / MAXIMUM_BLOB_GAS for header in headers],
        }
        if percentiles:
            history["reward"] = [self._tips_at(deadline, block_hash, percentiles) for block_hash in hashes]
        return history

    def _fees_of(self, block: Header | BlockEnvironment) -> tuple[int, int]:
        """Return what gas and blob gas cost at the least in a block; 0 before the fork that gave them a price."""
        excess = block.excess_blob_gas
        return block.base_fee_per_gas or 0, 0 if excess is None else blob_gas_price(self._chain.rules, excess)

    def _tips_at(self, deadline: Deadline, block_hash: bytes, percentiles: tuple[float, ...]) -> list[str]:
        """Return the tips at which the given shares of the block's gas, deposits aside, are reached."""
        deadline.check()
        block, receipts = self._chain.store.block(block_hash), self._chain.store.receipts(block_hash) or ()
        if block is None:
            return ["0x0" for _ in percentiles]
        base_fee, used_before = block.header.base_fee_per_gas or 0, 0
        tips: list[tuple[int, int]] = []
        for envelope, receipt in zip(block.transactions, receipts, strict=False):
            transaction, used = decode_transaction(envelope), receipt.cumulative_gas_used - used_before
            used_before = receipt.cumulative_gas_used
            if not isinstance(transaction, DepositTransaction):
                tip = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base_fee)
                tips.append((tip, used))
        tips.sort()
        total = sum(used for _, used in tips)
        found, position, reached = [], 0, tips[0][1] if tips else 0
        for percentile in percentiles:
            while position + 1 < len(tips) and reached < total * percentile / 100:
                position += 1
                reached += tips[position][1]
            found.append(quantity(tips[position][0] if tips else 0))
        return found


def _require_rising(percentiles: tuple[float, ...]) -> None:
    for position, value in enumerate(percentiles):
        if not 0 <= value <= 100:
            raise RpcError(SERVER_ERROR, f"invalid reward percentile: {value:f}")
        if position and value <= percentiles[position - 1]:
            order = f"#{position - 1}:{percentiles[position - 1]:f} >= #{position}:{value:f}"
            raise RpcError(SERVER_ERROR, f"invalid reward percentile: {order}")
