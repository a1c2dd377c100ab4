"""Serves a chain in memory as an Ethereum node does: the methods that the migration's commands use, and no more.

Every transaction is mined as it arrives. Attestations of kind 3 are verified as the protocol does.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web
from contract_chain import Attestation, Chain, Outcome
from eth.vm.message import Message
from served import served

from phal2.node.attestation.errors import InvalidAttestation
from phal2.node.attestation.presentation import parse_attestation_object
from phal2.node.attestation.verification import verify_account_statement
from phal2.node.protocol.headers import EMPTY_OMMERS_HASH, EMPTY_TRIE_ROOT, Header, header_hash
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.protocol.transactions import Attestation as CarriedAttestation
from phal2.node.protocol.transactions import AttestedTransaction

INTRINSIC_GAS = 150_000
GAS_PRICE = 10**9


class Refusal(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


class EvmNode:
    """One chain behind JSON-RPC. `on_mined` sees every outcome; `sent` counts transactions."""

    def __init__(self, chain: Chain, chain_id: int) -> None:
        self.chain = chain
        self.chain_id = chain_id
        self.sent = 0
        self.holds_back = False
        self.held_back: dict[bytes, int] = {}
        self.on_mined: Callable[[Outcome], None] = lambda _: None
        self._receipts: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, params: list[Any]) -> Any:
        handler: Callable[..., Any] | None = getattr(self, f"_{method}", None)
        if handler is None:
            raise Refusal(-32601, f"the method {method} does not exist")
        return handler(*params)

    def serve(self) -> AbstractAsyncContextManager[str]:
        """Serve on a free port of 127.0.0.1, and give the URL."""
        return served(self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        call = await request.json()
        answer = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return web.json_response(answer | {"result": self.answer(call["method"], call["params"])})
        except Refusal as refusal:
            return web.json_response(answer | {"error": refusal.error})

    def _eth_chainId(self) -> str:  # noqa: N802 - the method's name
        return hex(self.chain_id)

    def _eth_maxPriorityFeePerGas(self) -> str:  # noqa: N802 - as above
        return hex(GAS_PRICE)

    def _eth_getBlockByNumber(self, _selector: str, _full: bool) -> dict[str, Any]:  # noqa: N802 - as above
        header = Header(
            parent_hash=bytes(32),
            ommers_hash=EMPTY_OMMERS_HASH,
            coinbase=bytes(20),
            state_root=bytes(32),
            transactions_root=EMPTY_TRIE_ROOT,
            receipts_root=EMPTY_TRIE_ROOT,
            bloom=bytes(256),
            difficulty=0,
            number=1,
            gas_limit=30_000_000,
            gas_used=0,
            timestamp=self.chain.time,
            extra_data=b"",
            prev_randao=bytes(32),
            nonce=bytes(8),
            base_fee_per_gas=GAS_PRICE,
        )
        return {
            "hash": f"0x{header_hash(header).hex()}",
            "parentHash": f"0x{header.parent_hash.hex()}",
            "sha3Uncles": f"0x{header.ommers_hash.hex()}",
            "miner": f"0x{header.coinbase.hex()}",
            "stateRoot": f"0x{header.state_root.hex()}",
            "transactionsRoot": f"0x{header.transactions_root.hex()}",
            "receiptsRoot": f"0x{header.receipts_root.hex()}",
            "logsBloom": f"0x{header.bloom.hex()}",
            "difficulty": "0x0",
            "number": hex(header.number),
            "gasLimit": hex(header.gas_limit),
            "gasUsed": "0x0",
            "timestamp": hex(header.timestamp),
            "extraData": "0x",
            "mixHash": f"0x{header.prev_randao.hex()}",
            "nonce": f"0x{header.nonce.hex()}",
            "baseFeePerGas": hex(GAS_PRICE),
        }

    def _eth_getTransactionCount(self, address: str, block: str) -> str:  # noqa: N802 - as above
        account = bytes.fromhex(address[2:])
        nonce = self.chain.state.get_nonce(account)
        return hex(nonce + self.held_back.get(account, 0) if block == "pending" else nonce)

    def _eth_call(self, request: dict[str, Any], _block: str) -> str:
        return f"0x{self._simulate(request).output.hex()}"

    def _eth_estimateGas(self, request: dict[str, Any]) -> str:  # noqa: N802 - as above
        return hex(self._simulate(request).gas + INTRINSIC_GAS)

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802 - as above
        recovered = recover_transaction(bytes.fromhex(raw[2:]))
        transaction, sender = recovered.transaction, recovered.sender
        name = f"0x{recovered.hash.hex()}"
        self.sent += 1
        if self.holds_back:
            self.held_back[sender] = self.held_back.get(sender, 0) + 1
            return name
        expected = self.chain.state.get_nonce(sender)
        if transaction.nonce != expected or transaction.chain_id != self.chain_id:
            raise Refusal(-32000, f"nonce {transaction.nonce}, expected {expected}; or chain {transaction.chain_id}")
        carried = transaction.attestation if isinstance(transaction, AttestedTransaction) else None
        assert transaction.to is not None
        attestation = self._attestation(carried, sender, transaction.to, transaction.data)
        self.chain.state.increment_nonce(sender)
        outcome = self.chain.transact(transaction.to, transaction.data, sender=sender, attestation=attestation)
        self._receipts[name] = {
            "type": hex(transaction.transaction_type),
            "transactionHash": name,
            "blockHash": "0x" + "b0" * 32,
            "blockNumber": "0x1",
            "status": hex(outcome.succeeded),
            "cumulativeGasUsed": hex(outcome.gas),
            "gasUsed": hex(outcome.gas),
            "logsBloom": f"0x{bytes(256).hex()}",
            "logs": [
                {
                    "address": f"0x{address.hex()}",
                    "topics": [f"0x{topic.hex()}" for topic in topics],
                    "data": f"0x{data.hex()}",
                }
                for address, topics, data in outcome.logs
            ],
        }
        self.on_mined(outcome)
        return name

    def _eth_getTransactionReceipt(self, name: str) -> dict[str, Any] | None:  # noqa: N802 - as above
        return self._receipts.get(name)

    def _attestation(
        self, carried: CarriedAttestation | None, sender: bytes, to: bytes, data: bytes
    ) -> Attestation | None:
        if carried is None:
            return None
        try:
            verified = verify_account_statement(self.chain_id, to, data, carried, self.chain.time, sender, 0)
        except InvalidAttestation as error:
            raise Refusal(-32000, str(error)) from None
        return Attestation(kind=3, subject=verified.subject, workload=verified.workload, root_ca=bytes(32))

    def _simulate(self, request: dict[str, Any]) -> Outcome:
        """Make a call and take everything back."""
        sender = bytes.fromhex(request.get("from", f"0x{bytes(20).hex()}")[2:])
        to, data = bytes.fromhex(request["to"][2:]), bytes.fromhex(request["data"][2:])
        carried = parse_attestation_object(request["attestation"]) if "attestation" in request else None
        attestation = self._attestation(carried, sender, to, data)
        state = self.chain.state
        snapshot = state.snapshot()
        if attestation is not None:
            for slot, word in enumerate(attestation.words(sender, to, data, 0)):
                state.set_transient_storage(ATTESTATION_CONTEXT, slot, word)
        message = Message(gas=30_000_000, to=to, sender=sender, value=0, data=data, code=state.get_code(to))
        context = state.transaction_context_class(gas_price=0, origin=sender)
        computation = state.computation_class.apply_message(state, message, context)
        state.revert(snapshot)
        state.clear_transient_storage()
        if computation.is_error:
            raise Refusal(3, "execution reverted", f"0x{computation.output.hex()}")
        return Outcome(True, computation.output, (), computation.get_gas_used())
