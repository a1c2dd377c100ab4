"""What `phal2 tx` asks of a node: the sender's next nonce, fees, gas, and the way of a transaction to its receipt."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

from phal2.node.attestation.building import Call
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transactions import Attestation

_POLL_SECONDS: Final = 0.1


class SendingError(Phal2Error):
    """A node's answer that cannot be used, or a receipt that did not come in time."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Gas limit, tip and fee cap (wei) as the user gave them; None is left to the node."""

    gas_limit: int | None
    max_priority_fee_per_gas: int | None
    max_fee_per_gas: int | None


class TransactionSender:
    """A node, seen as the place to send transactions to. All methods raise `Phal2Error` where the node refuses."""

    def __init__(self, client: JsonRpcClient) -> None:
        self._client = client

    async def chain_id(self) -> int:
        """Return the chain id."""
        return _quantity("eth_chainId", await self._client.call("eth_chainId"))

    async def latest_timestamp(self) -> int:
        """Return the latest block's timestamp in Unix seconds, by which attestations are judged."""
        return _quantity("the latest block's timestamp", (await self._latest_block()).get("timestamp"))

    async def next_nonce(self, sender: bytes) -> int:
        """Return the nonce behind the sender's pending transactions."""
        answer = await self._client.call("eth_getTransactionCount", "0x" + sender.hex(), "pending")
        return _quantity("eth_getTransactionCount", answer)

    async def with_fees(self, call: Call, sender: bytes, attestation: Attestation, fees: Fees) -> Call:
        """Return the call with fees and gas limit: the user's, else the node's advice."""
        tip = fees.max_priority_fee_per_gas
        if tip is None:
            tip = _quantity("eth_maxPriorityFeePerGas", await self._client.call("eth_maxPriorityFeePerGas"))
            tip = tip if fees.max_fee_per_gas is None else min(tip, fees.max_fee_per_gas)
        cap = fees.max_fee_per_gas
        if cap is None:
            base_fee = _quantity("the latest block's base fee", (await self._latest_block()).get("baseFeePerGas"))
            cap = 2 * base_fee + tip
        gas_limit = fees.gas_limit
        if gas_limit is None:
            gas_limit = await self._estimate_gas(call, sender, attestation)
        return replace(call, gas_limit=gas_limit, max_priority_fee_per_gas=tip, max_fee_per_gas=cap)

    async def send(self, raw: bytes) -> None:
        """Hand a signed transaction to the node."""
        await self._client.call("eth_sendRawTransaction", "0x" + raw.hex())

    async def wait_for_receipt(self, transaction_hash: bytes, seconds: float) -> dict[str, Any]:
        """Return the receipt; raise `SendingError` where it does not come within `seconds`."""
        text = "0x" + transaction_hash.hex()
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            receipt = await self._client.call("eth_getTransactionReceipt", text)
            if isinstance(receipt, dict):
                return receipt
            if asyncio.get_running_loop().time() >= deadline:
                raise SendingError(f"transaction {text} was sent, but has no receipt after {seconds} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _estimate_gas(self, call: Call, sender: bytes, attestation: Attestation) -> int:
        request = {
            "from": "0x" + sender.hex(),
            "to": "0x" + call.to.hex(),
            "nonce": hex(call.nonce),
            "value": hex(call.value),
            "data": "0x" + call.data.hex(),
            "attestation": {
                "kind": hex(attestation.kind),
                "validUntil": hex(attestation.valid_until),
                "evidence": evidence_as_hex(attestation.evidence),
            },
        }
        return _quantity("eth_estimateGas", await self._client.call("eth_estimateGas", request))

    async def _latest_block(self) -> dict[str, Any]:
        block = await self._client.call("eth_getBlockByNumber", "latest", False)
        if not isinstance(block, dict):
            raise SendingError("the node has no latest block")
        return block


def _quantity(what: str, value: object) -> int:
    try:
        return int(value, 16) if isinstance(value, str) and value.startswith("0x") else _fail(what, value)
    except ValueError:
        return _fail(what, value)


def _fail(what: str, value: object) -> int:
    raise SendingError(f"the node's answer for {what} is {str(value)[:60]!r}, expected a quantity")
