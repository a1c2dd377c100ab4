"""The batcher's transactions as they wait for L1: their fees, attempt by attempt, and their signed forms."""

import logging
from dataclasses import dataclass, field, replace
from typing import Final

from phal2.bridge.batcher.data_availability import L1Prices
from phal2.bridge.batcher.payloads import Payload
from phal2.bridge.batcher.settings import BatcherSettings
from phal2.node.protocol.blob_sidecars import BlobSidecar, encode_network_form
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import BlobTransaction, DynamicFeeTransaction

_LOGGER = logging.getLogger("phal2.batcher")

_BUMP_PERCENT: Final = 112
_BLOB_BUMP_PERCENT: Final = 200
"""L1's pools want 10 % more for a replacement, and 100 % more where it has blobs."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Caps in wei per gas: of the whole fee, of the tip in it, of blob gas."""

    fee_cap: int = 0
    tip: int = 0
    blob_fee_cap: int = 0


@dataclass(frozen=True, slots=True)
class QueuedTransaction:
    """A payload with its nonce. `hashes` are of all versions sent, `sent_at` is when the last was, on the clock.

    `cancels`: it carries nothing, and goes to the batcher itself, to take the place of a transaction that blocks the
    account.
    """

    nonce: int
    to: bytes
    payload: Payload
    cancels: bool = False
    sidecars: tuple[BlobSidecar, ...] = ()
    fees: Fees = field(default_factory=Fees)
    hashes: tuple[bytes, ...] = ()
    sent_at: float = 0.0
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class SignedForm:
    """What is sent to L1, and the transaction's hash."""

    raw: bytes
    hash: bytes


def with_next_fees(queued: QueuedTransaction, prices: L1Prices, settings: BatcherSettings) -> QueuedTransaction:
    """Return the next attempt: with the market's fees at first, then enough above the last that L1 takes it."""
    if queued.hashes and not queued.accepted:
        return queued
    blobs = queued.payload.is_blobs
    least = _raised(queued.fees, _BLOB_BUMP_PERCENT if blobs else _BUMP_PERCENT) if queued.accepted else Fees()
    tip = max(prices.priority_fee, settings.least_priority_fee)
    blob_fee_cap = max(2 * (prices.blob_base_fee or 1), settings.least_blob_fee_cap) if blobs else 0
    fees = Fees(
        fee_cap=max(2 * prices.base_fee + tip, least.fee_cap),
        tip=max(tip, least.tip),
        blob_fee_cap=max(blob_fee_cap, least.blob_fee_cap),
    )
    capped = Fees(
        fee_cap=min(fees.fee_cap, settings.fee_limit),
        tip=min(fees.tip, settings.priority_fee_limit, settings.fee_limit),
        blob_fee_cap=min(fees.blob_fee_cap, settings.blob_fee_limit),
    )
    if capped != fees:
        _LOGGER.warning(
            "transaction with nonce %d needs a fee cap of %d and a tip of %d wei per gas, and %d wei per blob gas, "
            "beyond the limits of %d, %d and %d: held there",
            queued.nonce,
            fees.fee_cap,
            fees.tip,
            fees.blob_fee_cap,
            settings.fee_limit,
            settings.priority_fee_limit,
            settings.blob_fee_limit,
        )
    elif queued.accepted:
        _LOGGER.warning(
            "transaction with nonce %d is stuck: fee cap now %d wei per gas%s",
            queued.nonce,
            fees.fee_cap,
            f", {fees.blob_fee_cap} wei per blob gas" if fees.blob_fee_cap else "",
        )
    is_enough = (
        capped.fee_cap >= least.fee_cap and capped.tip >= least.tip and capped.blob_fee_cap >= least.blob_fee_cap
    )
    return replace(queued, fees=capped) if is_enough else queued


def _raised(fees: Fees, percent: int) -> Fees:
    return Fees(
        fee_cap=fees.fee_cap * percent // 100 + 1,
        tip=fees.tip * percent // 100 + 1,
        blob_fee_cap=fees.blob_fee_cap * percent // 100,
    )


def signed_form(queued: QueuedTransaction, chain_id: int, private_key: bytes) -> SignedForm:
    """Sign a transaction; one with blobs comes in its network form."""
    unsigned: BlobTransaction | DynamicFeeTransaction
    if queued.payload.blobs:
        unsigned = BlobTransaction(
            chain_id=chain_id,
            nonce=queued.nonce,
            max_priority_fee_per_gas=queued.fees.tip,
            max_fee_per_gas=queued.fees.fee_cap,
            gas_limit=queued.payload.gas,
            to=queued.to,
            value=0,
            data=b"",
            access_list=(),
            max_fee_per_blob_gas=queued.fees.blob_fee_cap,
            blob_versioned_hashes=tuple(sidecar.versioned_hash for sidecar in queued.sidecars),
            y_parity=0,
            r=0,
            s=0,
        )
    else:
        unsigned = DynamicFeeTransaction(
            chain_id=chain_id,
            nonce=queued.nonce,
            max_priority_fee_per_gas=queued.fees.tip,
            max_fee_per_gas=queued.fees.fee_cap,
            gas_limit=queued.payload.gas,
            to=queued.to,
            value=0,
            data=queued.payload.call_data,
            access_list=(),
            y_parity=0,
            r=0,
            s=0,
        )
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    envelope = encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
    raw = encode_network_form(envelope, queued.sidecars) if queued.payload.blobs else envelope
    return SignedForm(raw, keccak256(envelope))
