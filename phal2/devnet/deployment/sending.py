"""Sends the transactions of a deployment and sees that they are mined."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from phal2.devnet.deployment.steps import DeploymentStep
from phal2.node.l1.client import MOST_PRIORITY_FEE, L1Client, MinedTransaction
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

Seal: TypeAlias = Callable[[], Awaitable[object]]
"""Has the L1 seal its next block, or waits for it."""

_MOST_BLOCKS: Final = 10


class DeploymentError(Phal2Error):
    """A contract could not be deployed on L1."""


async def send_steps(
    l1: L1Client, private_key: bytes, first_nonce: int, steps: Sequence[DeploymentStep], seal: Seal
) -> L1BlockRef:
    """Send `steps` as transactions of an account from its nonce `first_nonce` on, and return the block of the last one.

    `seal` is called until all are mined. Raises `DeploymentError` where one fails, is not mined, or asks for more gas
    than a block has.
    """
    await _require_room(l1, steps)
    chain_id, fees = await l1.chain_id(), await l1.gas_fees()
    tip = min(fees.max_priority_fee_per_gas, MOST_PRIORITY_FEE)
    template = DynamicFeeTransaction(
        chain_id=chain_id,
        nonce=0,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=2 * fees.base_fee_per_gas + tip,
        gas_limit=0,
        to=None,
        value=0,
        data=b"",
        access_list=(),
        y_parity=0,
        r=0,
        s=0,
    )
    hashes = []
    for nonce, step in enumerate(steps, start=first_nonce):
        unsigned = replace(
            template, nonce=nonce, to=step.to, value=step.value, data=step.data, gas_limit=step.gas_limit
        )
        hashes.append(await l1.send_raw_transaction(_signed(unsigned, private_key)))
    block_number = 0
    for step, transaction_hash in zip(steps, hashes, strict=True):
        mined = await _sealed(l1, transaction_hash, seal)
        if mined is None or not mined.succeeded:
            raise DeploymentError(f"could not {step.doing}: the transaction {'failed' if mined else 'is not mined'}")
        block_number = max(block_number, mined.block_number)
    block = await l1.block_ref(block_number)
    if block is None:
        raise DeploymentError(f"L1 block {block_number} with the contracts is gone")
    return block


async def _require_room(l1: L1Client, steps: Sequence[DeploymentStep]) -> None:
    latest = await l1.header("latest")
    if latest is None:
        raise DeploymentError("L1 has no block; start it before the contracts are deployed")
    block_gas_limit = latest[0].gas_limit
    largest = max(steps, key=lambda step: step.gas_limit)
    if largest.gas_limit > block_gas_limit:
        raise DeploymentError(
            f"to {largest.doing} takes up to {largest.gas_limit:,} gas, but a block of this L1 has "
            f"{block_gas_limit:,}; give L1 a higher gas limit"
        )


async def _sealed(l1: L1Client, transaction_hash: bytes, seal: Seal) -> MinedTransaction | None:
    # A few blocks take all; but a block takes what it can in a time that a busy machine may exceed.
    for _ in range(_MOST_BLOCKS):
        mined = await l1.transaction_receipt(transaction_hash)
        if mined is not None:
            return mined
        await seal()
    return await l1.transaction_receipt(transaction_hash)


def _signed(unsigned: DynamicFeeTransaction, private_key: bytes) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
