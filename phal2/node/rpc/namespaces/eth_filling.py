"""eth_fillTransaction: what a transaction lacks is filled in for its sender to sign, as in geth."""

from typing import Any

from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.rpc.formats.transaction import format_transaction
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import SIGNED_TRANSACTION
from phal2.node.rpc.transaction_filling import Request, TransactionFiller
from phal2.node.rpc.unsigned_transaction import build_transaction, with_sender


class FillingMethods:
    """Saves a client the requests for nonce, fees, gas and chain id; it needs no key."""

    def __init__(self, filler: TransactionFiller) -> None:
        self._filler = filler

    def register(self, registry: MethodRegistry) -> None:
        """Offer the method."""
        registry.add("eth_fillTransaction", self.fill_transaction, result=SIGNED_TRANSACTION)

    async def fill_transaction(self, transaction: Request) -> dict[str, Any]:
        """Fill in what is missing; return {raw, tx} of the transaction, in which zeros stand for the signature."""
        sender = transaction.call.sender or ZERO_ADDRESS
        unsigned = with_sender(build_transaction(await self._filler.fill(transaction, sender)), sender)
        return {"raw": data(unsigned.raw), "tx": format_transaction(unsigned, None)}
