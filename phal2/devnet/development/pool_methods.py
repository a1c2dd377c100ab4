"""Methods that take transactions out of the pool."""

from phal2.devnet.development.chain import DevelopmentChain
from phal2.node.rpc.errors import invalid_params
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Address, Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, HASH, NULL, optional


class PoolMethods:
    """What is dropped is forgotten; its sender's later transactions wait for another with its nonce."""

    def __init__(self, chain: DevelopmentChain) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("anvil_dropTransaction", self.drop_transaction, result=optional(HASH))
        registry.add("hardhat_dropTransaction", self.drop_transaction_and_tell, result=BOOLEAN)
        registry.add("anvil_dropAllTransactions", self.drop_all_transactions, result=NULL)
        registry.add("hardhat_dropAllTransactions", self.drop_all_transactions_and_tell, result=BOOLEAN)
        registry.add("anvil_removePoolTransactions", self.remove_pool_transactions, result=NULL)

    async def drop_transaction(self, transaction_hash: Hash) -> str | None:
        """Drop a transaction; return its hash, null where it is not in the pool."""
        return data(transaction_hash) if self._drop(transaction_hash) else None

    async def drop_transaction_and_tell(self, transaction_hash: Hash) -> bool:
        """Drop a transaction; tell whether it was in the pool."""
        if self._chain.service.store.find_transaction(transaction_hash) is not None:
            raise invalid_params(
                f"transaction {data(transaction_hash)} cannot be dropped, as a block has it already; "
                "go back to a snapshot instead"
            )
        return self._drop(transaction_hash)

    async def drop_all_transactions(self) -> None:
        """Drop all transactions."""
        for transaction in list(self._chain.mempool):
            self._chain.mempool.remove(transaction.hash)

    async def drop_all_transactions_and_tell(self) -> bool:
        """Drop all transactions; return true."""
        await self.drop_all_transactions()
        return True

    async def remove_pool_transactions(self, address: Address) -> None:
        """Drop all transactions of one sender."""
        for transaction in list(self._chain.mempool):
            if transaction.sender == address:
                self._chain.mempool.remove(transaction.hash)

    def _drop(self, transaction_hash: bytes) -> bool:
        is_there = transaction_hash in self._chain.mempool
        self._chain.mempool.remove(transaction_hash)
        return is_there
