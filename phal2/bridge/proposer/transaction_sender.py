"""Sends one transaction after the other from an account and sees to it that each is mined."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from phal2.bridge.chain_access.pool_refusals import PoolRefusal, pool_refusal
from phal2.bridge.chain_access.reverts import revert_reason
from phal2.bridge.proposer.errors import CallRefused, ProposerError
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.node.l1.client import GasFees, L1Client, MinedTransaction
from phal2.node.l1.errors import EndpointError, EndpointRefused, EndpointUnavailable, InvalidAnswer
from phal2.node.l1.json_fields import MalformedField, as_quantity
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

_LOGGER = logging.getLogger("phal2.proposer")

_LONGEST_POLL_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A call to a 20-byte address, with data and wei; `artefacts` name the contracts whose errors it may meet."""

    what: str
    to: bytes
    data: bytes
    artefacts: Sequence[str]
    value: int = 0


class TransactionFailed(ProposerError):
    """A transaction was mined but reverted: something changed between its estimate and its block."""


class NonceUsed(ProposerError):
    """Another transaction took the account's nonce: two programs share the key, or L1 was reorganised."""


class TransactionSender:
    """One account. Only one transaction is under way at a time."""

    def __init__(
        self,
        l1: L1Client,
        chain_id: int,
        private_key: bytes,
        settings: ProposerSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address_of_private_key(private_key)
        self._l1 = l1
        self._chain_id = chain_id
        self._private_key = private_key
        self._settings = settings
        self._clock = clock

    async def send(self, call: ContractCall) -> MinedTransaction:
        """Send a call and return once it is mined; its fees rise while it is not.

        What is left of an earlier run in the pool is replaced. Raises `CallRefused` where it would revert (nothing is
        sent), `TransactionFailed`, `NonceUsed`, and an `EndpointError`.
        """
        gas = await self._estimated_gas(call)
        nonce = await self._l1.transaction_count(self.address, "latest")
        attempt = self._unsigned(call, nonce, gas, await self._l1.gas_fees())
        hashes: list[bytes] = []
        while True:
            attempt = await self._submitted(call, attempt, hashes)
            mined = await self._mined(nonce, hashes)
            if mined is not None:
                if not mined.succeeded:
                    raise TransactionFailed(f"{call.what}: the transaction 0x{mined.hash.hex()} reverted")
                return mined
            attempt = self._bumped(attempt, await self._l1.gas_fees())

    async def _estimated_gas(self, call: ContractCall) -> int:
        method = "eth_estimateGas"
        request = {
            "from": _hex(self.address),
            "to": _hex(call.to),
            "data": _hex(call.data),
            "value": hex(call.value),
        }
        try:
            answer = await self._l1.rpc.call(method, request)
        except EndpointRefused as error:
            reason = revert_reason(error, call.artefacts)
            if reason is None:
                raise
            raise CallRefused(f"{call.what} would fail: {reason}") from None
        try:
            estimate = as_quantity(answer, "result", 8)
        except MalformedField as error:
            raise InvalidAnswer(self._l1.rpc.url, f"{method}: {error}") from error
        # The state may change a little between the estimate and the block; gas that is not used is not paid.
        return estimate + estimate // 4

    def _unsigned(self, call: ContractCall, nonce: int, gas: int, fees: GasFees) -> DynamicFeeTransaction:
        settings = self._settings
        priority_fee = min(max(fees.max_priority_fee_per_gas, 1), settings.priority_fee_limit, settings.fee_limit)
        return DynamicFeeTransaction(
            chain_id=self._chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=priority_fee,
            max_fee_per_gas=min(2 * fees.base_fee_per_gas + priority_fee, self._settings.fee_limit),
            gas_limit=gas,
            to=call.to,
            value=call.value,
            data=call.data,
            access_list=(),
            y_parity=0,
            r=0,
            s=0,
        )

    def _bumped(self, attempt: DynamicFeeTransaction, fees: GasFees) -> DynamicFeeTransaction:
        """Return it with fees an eighth higher, or the market's where these are higher, up to the limits.

        Where the limits leave less than that eighth, which pools do not take, it stays as it is.
        """
        settings = self._settings
        least_tip, least_fee = attempt.max_priority_fee_per_gas * 9 // 8 + 1, attempt.max_fee_per_gas * 9 // 8 + 1
        tip = min(max(fees.max_priority_fee_per_gas, least_tip), settings.priority_fee_limit, settings.fee_limit)
        fee = min(max(2 * fees.base_fee_per_gas + tip, least_fee), settings.fee_limit)
        if fee < least_fee or tip < least_tip:
            _LOGGER.warning(
                "the transaction with nonce %d is not mined, and its fees have reached the limits of %d wei per gas, "
                "and %d of tip",
                attempt.nonce,
                settings.fee_limit,
                settings.priority_fee_limit,
            )
            return attempt
        return replace(attempt, max_fee_per_gas=fee, max_priority_fee_per_gas=tip)

    async def _submitted(
        self, call: ContractCall, attempt: DynamicFeeTransaction, hashes: list[bytes]
    ) -> DynamicFeeTransaction:
        """Send a version and note its hash; return the version that the pool took."""
        while True:
            y_parity, r, s = sign(signing_hash(attempt), self._private_key)
            raw = encode_transaction(replace(attempt, y_parity=y_parity, r=r, s=s))
            transaction_hash = keccak256(raw)
            if transaction_hash not in hashes:
                # Noted before it is sent: the endpoint may take a transaction and fail to answer.
                hashes.append(transaction_hash)
            try:
                await self._l1.send_raw_transaction(raw)
            except (EndpointUnavailable, InvalidAnswer) as error:
                _LOGGER.warning("%s: %s; looking whether it was taken", call.what, error)
            except EndpointRefused as error:
                refusal = pool_refusal(error)
                if refusal in (PoolRefusal.KNOWN, PoolRefusal.NONCE_USED):
                    return attempt
                if refusal is not PoolRefusal.TOO_CHEAP:
                    raise
                dearer = self._bumped(attempt, await self._l1.gas_fees())
                if dearer == attempt:
                    raise
                attempt = dearer
                continue
            return attempt

    async def _mined(self, nonce: int, hashes: Sequence[bytes]) -> MinedTransaction | None:
        """Wait for one of the versions; None where none is mined in time."""
        until = self._clock() + self._settings.resubmission_seconds
        pause = min(self._settings.poll_interval_seconds, _LONGEST_POLL_SECONDS)
        while True:
            try:
                used = await self._l1.transaction_count(self.address, "latest") > nonce
                for transaction_hash in reversed(hashes):
                    mined = await self._l1.transaction_receipt(transaction_hash)
                    if mined is not None:
                        return mined
                if used:
                    raise NonceUsed(f"nonce {nonce} of 0x{self.address.hex()} was used by another transaction")
            except EndpointError as error:
                # The transaction is sent: an endpoint in trouble for a moment must not hide what becomes of it.
                _LOGGER.warning("%s; asking again", error)
            if self._clock() >= until:
                return None
            await asyncio.sleep(pause)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
