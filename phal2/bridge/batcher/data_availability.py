"""Whether a channel goes to L1 in blobs or in call data, by what each would cost now."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from phal2.bridge.batcher.payloads import Payload, as_blobs, as_call_data, blob_count
from phal2.bridge.batcher.settings import BatcherSettings, DataAvailability
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.intrinsic_gas import TRANSACTION_GAS

_LOGGER = logging.getLogger("phal2.batcher")


@dataclass(frozen=True, slots=True)
class L1Prices:
    """What L1 charges now, in wei per gas; `blob_base_fee` is None where L1 has no blobs."""

    base_fee: int
    priority_fee: int
    blob_base_fee: int | None


class PayloadChoice:
    """Cuts channels into payloads of the kind that is cheaper, or of the one that is asked for.

    Between the two kinds it changes only where that saves more than the margin: L1's pools do not hold both kinds of
    one account's transactions, so each change waits until all earlier transactions are mined.
    """

    def __init__(self, settings: BatcherSettings) -> None:
        self._settings = settings
        self.into_blobs = settings.data_availability is DataAvailability.BLOBS
        """Whether channels go into blobs at present."""
        self._has_chosen = settings.data_availability is not DataAvailability.AUTO

    def payloads(self, channel_id: bytes, channel: bytes, prices: L1Prices) -> Sequence[Payload]:
        """Return the payloads of a compressed channel. It computes for some milliseconds a blob."""
        call_data: Sequence[Payload] = ()
        if self._settings.data_availability is DataAvailability.AUTO:
            call_data = as_call_data(channel_id, channel, self._settings)
            self._choose(call_data, blob_count(channel), prices)
        if self.into_blobs:
            return as_blobs(channel_id, channel, self._settings)
        return call_data or as_call_data(channel_id, channel, self._settings)

    def _choose(self, call_data: Sequence[Payload], blobs: int, prices: L1Prices) -> None:
        if prices.blob_base_fee is None:
            self.into_blobs = False
            return
        gas_price = prices.base_fee + prices.priority_fee
        call_data_cost = gas_price * sum(payload.gas for payload in call_data)
        transactions = -(-blobs // self._settings.blobs_in_transaction)
        blob_cost = gas_price * TRANSACTION_GAS * transactions + GAS_PER_BLOB * blobs * prices.blob_base_fee
        present, other = (blob_cost, call_data_cost) if self.into_blobs else (call_data_cost, blob_cost)
        margin = self._settings.switch_margin_percent if self._has_chosen else 0
        if other * 100 < present * (100 - margin):
            self.into_blobs = not self.into_blobs
            if self._has_chosen:
                _LOGGER.info(
                    "changing to %s: %d wei in blobs, %d wei in call data",
                    "blobs" if self.into_blobs else "call data",
                    blob_cost,
                    call_data_cost,
                )
        self._has_chosen = True
