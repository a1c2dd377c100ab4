"""What executing transactions and blocks gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.headers import Block
from phal2.node.protocol.receipts import Receipt
from phal2.node.state.database import StateUpdate


class TransactionOutcome(NamedTuple):
    """What a transaction did.

    `gas_used` is its own (the receipt has the block's running total), `effective_gas_price` in wei.
    `contract_address` is set for every creation, failed ones included. `error` says why the execution failed, None
    where it succeeded. `attestation` is what the contracts could see in AttestationContext.
    """

    receipt: Receipt
    gas_used: int
    effective_gas_price: int
    contract_address: bytes | None
    return_data: bytes
    error: str | None
    attestation: VerifiedAttestation | None


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A sealed block with all that is stored beside it.

    `attestations` are by index of the transaction, `transaction_hashes` in the order of the transactions.
    """

    block: Block
    receipts: tuple[Receipt, ...]
    senders: tuple[bytes, ...]
    attestations: Mapping[int, VerifiedAttestation]
    state_update: StateUpdate
    transaction_hashes: tuple[bytes, ...]
