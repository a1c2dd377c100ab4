"""Sending calls of contracts from a key, and waiting until they are mined.

A call is estimated before it is sent, so that one that would revert costs nothing and says why, by the name of the
contract's error.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from phal2.bridge.chain_access.errors import (
    AccountBusy,
    CallReverted,
    SendingUnclear,
    TransactionFailed,
    TransactionNotMined,
)
from phal2.bridge.chain_access.reverts import revert_reason
from phal2.contracts import encode_call, load_artefact
from phal2.node.attestation.building import Call, sign_attested
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import MOST_PRIORITY_FEE, L1Client, MinedTransaction
from phal2.node.l1.errors import EndpointRefused, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import JsonObject, MalformedField, as_object, as_quantity
from phal2.node.l1.json_receipt import receipt_from_json
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import Attestation, DynamicFeeTransaction

Report: TypeAlias = Callable[[str], None]
"""Takes a line of progress for people."""

DEFAULT_TIMEOUT_SECONDS: Final = 120.0

_FIRST_POLL_SECONDS: Final = 0.1
_LONGEST_POLL_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class ContractFunction:
    """A function of the contract at a 20-byte address, with arguments and `value` in wei.

    `artefact` names the compiled contract, `errors` further contracts whose custom errors the call can end with.
    """

    artefact: str
    address: bytes
    function: str
    arguments: Sequence[object] = ()
    errors: tuple[str, ...] = ()
    value: int = 0

    @property
    def name(self) -> str:
        """Contract and function, for messages."""
        return f"{self.artefact}.{self.function}"

    @property
    def data(self) -> bytes:
        """The call data."""
        return encode_call(load_artefact(self.artefact), self.function, self.arguments)

    def revert_reason(self, error: EndpointRefused) -> str | None:
        """Say why a call reverted, or None where the endpoint refused it for another reason."""
        return revert_reason(error, (self.artefact, *self.errors))


async def send(
    client: L1Client,
    private_key: bytes,
    function: ContractFunction,
    *,
    attestation: Attestation | None = None,
    least_gas: int = 0,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    report: Report = lambda _: None,
) -> MinedTransaction:
    """Call a contract from a key's account in a transaction, attested where an attestation is given; wait for it.

    `least_gas` is taken where the estimate is below; `report` is told the transaction's hash before it is sent. Works
    on L1 and L2 alike, whose endpoint `client` is. Raises CallReverted (nothing was sent), TransactionFailed,
    TransactionNotMined, SendingUnclear, and EndpointError.
    """
    sender = address_of_private_key(private_key)
    data = function.data
    request = _request(sender, function, data, attestation)
    gas = max(least_gas, await _estimate(client, function, request))
    chain_id, nonce, fees = await asyncio.gather(
        client.chain_id(), client.transaction_count(sender, "pending"), client.gas_fees()
    )
    tip = min(fees.max_priority_fee_per_gas, MOST_PRIORITY_FEE)
    call = Call(
        chain_id=chain_id,
        nonce=nonce,
        to=function.address,
        value=function.value,
        data=data,
        # The state may change a little between the estimate and the block; gas that is not used is not paid.
        gas_limit=gas + gas // 5,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=2 * fees.base_fee_per_gas + tip,
    )
    raw = _sign_plain(call, private_key) if attestation is None else sign_attested(call, attestation, private_key)
    transaction_hash = keccak256(raw)
    # Whatever ends the program from here on, what may have been sent can be looked for.
    report(f"sending to {client.rpc.url}: transaction {_hex(transaction_hash)}")
    try:
        await client.send_raw_transaction(raw)
    except (EndpointUnavailable, InvalidAnswer) as error:
        raise SendingUnclear(function.name, transaction_hash, str(error)) from None
    mined = await _wait_until_mined(client, function, transaction_hash, timeout_seconds)
    if not mined.succeeded:
        raise TransactionFailed(function.name, transaction_hash, await _reason_now(client, function, request))
    return mined


async def estimated_gas(
    client: L1Client, sender: bytes, function: ContractFunction, attestation: Attestation | None = None
) -> int:
    """Return what a call of a 20-byte sender takes. Raises CallReverted, where it would revert, and EndpointError."""
    return await _estimate(client, function, _request(sender, function, function.data, attestation))


async def transaction_logs(client: L1Client, transaction_hash: bytes) -> tuple[Log, ...]:
    """Return the logs of a mined transaction. Raises EndpointError."""
    method = "eth_getTransactionReceipt"
    answer = await client.rpc.call(method, _hex(transaction_hash))
    if answer is None:
        raise EndpointUnavailable(
            client.rpc.url, f"the receipt of transaction {_hex(transaction_hash)} is gone: its block was reorganised"
        )
    try:
        return receipt_from_json(as_object(answer, "result")).logs
    except MalformedField as error:
        raise InvalidAnswer(client.rpc.url, f"{method}: {error}") from None


async def settle(client: L1Client, address: bytes, report: Report, timeout_seconds: float) -> None:
    """Wait until no transaction of an account is pending: what an earlier run sent must be seen before going on.

    Raises AccountBusy where it lasts longer than `timeout_seconds`, and EndpointError.
    """
    polls = Backoff(_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS)
    reported = False
    try:
        async with asyncio.timeout(timeout_seconds):
            while await _pending_count(client, address) > 0:
                if not reported:
                    report(f"waiting for earlier transactions of {to_checksum_address(address)} to be mined")
                    reported = True
                await asyncio.sleep(polls.next_delay())
    except TimeoutError:
        raise AccountBusy(client.rpc.url, address, timeout_seconds) from None


async def _pending_count(client: L1Client, address: bytes) -> int:
    latest = await client.transaction_count(address, "latest")
    return await client.transaction_count(address, "pending") - latest


def _request(sender: bytes, function: ContractFunction, data: bytes, attestation: Attestation | None) -> JsonObject:
    request: JsonObject = {"from": _hex(sender), "to": _hex(function.address), "data": _hex(data)}
    if function.value:
        request["value"] = hex(function.value)
    if attestation is not None:
        request["attestation"] = {
            "kind": hex(attestation.kind),
            "validUntil": hex(attestation.valid_until),
            "evidence": evidence_as_hex(attestation.evidence),
        }
    return request


async def _estimate(client: L1Client, function: ContractFunction, request: JsonObject) -> int:
    method = "eth_estimateGas"
    try:
        answer = await client.rpc.call(method, request)
    except EndpointRefused as error:
        reason = function.revert_reason(error)
        if reason is None:
            raise
        raise CallReverted(function.name, reason) from None
    try:
        return as_quantity(answer, "result", 8)
    except MalformedField as error:
        raise InvalidAnswer(client.rpc.url, f"{method}: {error}") from None


async def _reason_now(client: L1Client, function: ContractFunction, request: JsonObject) -> str:
    """Say why the call fails when it is made again; receipts do not tell."""
    try:
        await client.rpc.call("eth_call", request, "latest")
    except EndpointRefused as error:
        return function.revert_reason(error) or error.message
    return "the same call would succeed now"


async def _wait_until_mined(
    client: L1Client, function: ContractFunction, transaction_hash: bytes, timeout_seconds: float
) -> MinedTransaction:
    polls = Backoff(_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS)
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                unavailable = None
                try:
                    mined = await client.transaction_receipt(transaction_hash)
                except EndpointUnavailable as error:
                    # The transaction is sent: an endpoint that is away for a moment must not hide what becomes of it.
                    mined, unavailable = None, error
                if mined is not None:
                    return mined
                await asyncio.sleep(polls.next_delay(unavailable))
    except TimeoutError:
        raise TransactionNotMined(function.name, transaction_hash, timeout_seconds) from None


def _sign_plain(call: Call, private_key: bytes) -> bytes:
    unsigned = DynamicFeeTransaction(
        chain_id=call.chain_id,
        nonce=call.nonce,
        max_priority_fee_per_gas=call.max_priority_fee_per_gas,
        max_fee_per_gas=call.max_fee_per_gas,
        gas_limit=call.gas_limit,
        to=call.to,
        value=call.value,
        data=call.data,
        access_list=(),
        y_parity=0,
        r=0,
        s=0,
    )
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
