"""Signed envelopes from plans."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cast import CHAIN_ID, KEYS, SENDERS
from scenarios import AuthorizationPlan, TransactionPlan

from phal2.node.protocol import rlp
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.intrinsic_gas import floor_gas, intrinsic_gas
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import SECP256K1_ORDER, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import (
    AccessListTransaction,
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    SetCodeTransaction,
    SignedTransaction,
)

FAULTS: dict[str, Callable[[int, int, int], tuple[int, int, int]]] = {
    "high s": lambda parity, r, s: (1 - parity, r, SECP256K1_ORDER - s),
    "r is 0": lambda parity, _, s: (parity, 0, s),
    "s is 0": lambda parity, r, _: (parity, r, 0),
    "r is the order": lambda parity, _, s: (parity, SECP256K1_ORDER, s),
    "r is no abscissa": lambda parity, _, s: (parity, 5, s),
    "s is another": lambda parity, r, _: (parity, r, 7),
    "other parity": lambda parity, r, s: (1 - parity, r, s),
    "parity 2": lambda _, r, s: (2, r, s),
    "parity 27": lambda parity, r, s: (27 + parity, r, s),
}
"""What may be wrong with a signature, by name: from (y parity, r, s) to others."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What plans are relative to: the state before the transaction, and the prices and room of the block."""

    nonce: Callable[[bytes], int]
    balance: Callable[[bytes], int]
    base_fee_per_gas: int
    blob_base_fee: int
    remaining_gas: int


def envelope(plan: TransactionPlan, surroundings: Surroundings) -> bytes:
    """Return the signed bytes of the transaction that `plan` describes."""
    sender = SENDERS[plan.sender]
    max_fee = max(0, surroundings.base_fee_per_gas + plan.fee_offset)
    fields: dict[str, Any] = {
        "nonce": min(max(0, surroundings.nonce(sender) + plan.nonce_offset), 2**64 - 1),
        "gas_limit": _gas_limit(plan, surroundings),
        "to": plan.to,
        "value": plan.value,
        "data": plan.data,
        "r": 0,
        "s": 0,
    }
    if plan.kind < 2:
        fields["gas_price"] = max_fee
    else:
        fields["max_fee_per_gas"] = max_fee
        fields["max_priority_fee_per_gas"] = max_fee + 1 if plan.tip is None else plan.tip
    blob_fee = max(0, surroundings.blob_base_fee + plan.blob_fee_offset)
    if plan.left_over is not None:
        cost = fields["gas_limit"] * max_fee
        if plan.kind == 3:
            cost += GAS_PER_BLOB * len(plan.blob_hashes) * blob_fee
        fields["value"] = max(0, surroundings.balance(sender) - cost - plan.left_over)
    if plan.kind:
        fields |= {"chain_id": plan.chain_id or 0, "access_list": plan.access_list, "y_parity": 0}
    if plan.kind == 3:
        fields |= {"max_fee_per_blob_gas": blob_fee, "blob_versioned_hashes": plan.blob_hashes}
    if plan.kind == 4:
        fields["authorization_list"] = _authorizations(plan, surroundings)
    if plan.kind == 0:
        fields["v"] = 27 if plan.chain_id is None else 35 + 2 * plan.chain_id
    return encode_transaction(_signed(_TYPES[plan.kind](**fields), plan))


_TYPES: tuple[type[Any], ...] = (
    LegacyTransaction,
    AccessListTransaction,
    DynamicFeeTransaction,
    BlobTransaction,
    SetCodeTransaction,
)


def _gas_limit(plan: TransactionPlan, surroundings: Surroundings) -> int:
    intrinsic = intrinsic_gas(plan.data, plan.to is None, plan.access_list, len(plan.authorizations))
    floor = floor_gas(plan.data)
    basis = {
        "nothing": 0,
        "intrinsic": intrinsic,
        "floor": floor,
        "least": max(intrinsic, floor),
        "block": surroundings.remaining_gas,
    }[plan.gas_basis]
    return max(0, basis + plan.gas)


def _signed(transaction: SignedTransaction, plan: TransactionPlan) -> SignedTransaction:
    signature = sign(signing_hash(transaction), KEYS[plan.sender])
    y_parity, r, s = FAULTS[plan.fault](*signature) if plan.fault else signature
    if isinstance(transaction, LegacyTransaction):
        return replace(transaction, v=transaction.v + y_parity, r=r, s=s)
    return replace(transaction, y_parity=y_parity, r=r, s=s)


def _authorizations(plan: TransactionPlan, surroundings: Surroundings) -> tuple[Authorization, ...]:
    """Sign the authorizations, each for the nonce that its authority has if those before it are as they seem."""
    nonces = {index: surroundings.nonce(sender) for index, sender in enumerate(SENDERS)}
    nonces[plan.sender] += 1
    authorizations = []
    for authorization in plan.authorizations:
        nonce = nonces[authorization.authority]
        authorizations.append(_authorization(authorization, nonce))
        if not (authorization.nonce_offset or authorization.fault) and authorization.chain_id in (0, CHAIN_ID):
            nonces[authorization.authority] += 1
    return tuple(authorizations)


def _authorization(plan: AuthorizationPlan, expected_nonce: int) -> Authorization:
    nonce = min(max(0, expected_nonce + plan.nonce_offset), 2**64 - 1)
    message = rlp.encode([rlp.encode_uint(plan.chain_id), plan.address, rlp.encode_uint(nonce)])
    signature = sign(keccak256(b"\x05" + message), KEYS[plan.authority])
    if plan.fault:
        signature = FAULTS[plan.fault](*signature)
    return Authorization(plan.chain_id, plan.address, nonce, *signature)


def is_of_this_chain(plan: TransactionPlan) -> bool:
    """Tell whether the plan names this chain, or as a legacy transaction may, none."""
    return plan.chain_id == CHAIN_ID or (plan.kind == 0 and plan.chain_id is None)
