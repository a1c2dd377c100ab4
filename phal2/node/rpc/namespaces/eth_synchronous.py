"""eth_sendRawTransactionSync: a transaction is sent and its receipt comes back (EIP-7966)."""

import asyncio
from typing import Any, Final

from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.namespaces.eth_transactions import TransactionMethods
from phal2.node.rpc.parameter_types import Count, Data
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import RECEIPT

DEFAULT_MILLISECONDS: Final = 20_000
LONGEST_MILLISECONDS: Final = 60_000
"""What a client waits at most, as in geth."""

NOT_INCLUDED_IN_TIME: Final = 4
"""The code of the error that tells it (EIP-7966)."""


class SynchronousMethods:
    """Waits for blocks on behalf of a client, which so needs no polling."""

    def __init__(self, chain: ChainService, transactions: TransactionMethods) -> None:
        self._chain = chain
        self._transactions = transactions

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("eth_sendRawTransactionSync", self.send_raw_transaction, result=RECEIPT)

    async def send_raw_transaction(self, raw_transaction: Data, timeout_milliseconds: Count | None = None) -> Any:
        """Admit a signed transaction to the pool, wait for its block, and return its receipt.

        Where no block holds the transaction in time, the error's data is its hash.
        """
        seconds = min(timeout_milliseconds or DEFAULT_MILLISECONDS, LONGEST_MILLISECONDS) / 1_000
        new_head = asyncio.Event()
        end = self._chain.on_new_head(lambda _: new_head.set())
        try:
            transaction_hash = await self._transactions.send_raw_transaction(raw_transaction)
            async with asyncio.timeout(seconds):
                return await self._receipt(bytes.fromhex(transaction_hash[2:]), new_head)
        except TimeoutError:
            message = f"the transaction was added to the pool, but no block had it within {seconds:g} s"
            raise RpcError(NOT_INCLUDED_IN_TIME, message, transaction_hash) from None
        finally:
            end()

    async def _receipt(self, transaction_hash: bytes, new_head: asyncio.Event) -> Any:
        while True:
            new_head.clear()
            receipt = self._transactions.transaction_receipt(transaction_hash)
            if asyncio.iscoroutine(receipt):
                receipt = await receipt
            if receipt is not None:
                return receipt
            await new_head.wait()
