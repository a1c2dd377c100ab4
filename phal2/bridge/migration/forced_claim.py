"""Claims that L2 has to pay, whatever its sequencer does: by a deposit on L1, which every node includes.

The deposit goes to AttestationContext with rlp([to, data, attestation]), and L2 runs it as the attested call that it
holds, from the depositor's account and without a fee.
"""

from dataclasses import dataclass
from typing import Final

from phal2.bridge.chain_access.errors import TransactionFailed
from phal2.bridge.chain_access.heads import head_timestamp
from phal2.bridge.chain_access.transactions import (
    DEFAULT_TIMEOUT_SECONDS,
    ContractFunction,
    Report,
    estimated_gas,
    send,
)
from phal2.bridge.deposits.arrival import wait_for_arrival
from phal2.bridge.deposits.deposit import least_gas, portal_deposit
from phal2.bridge.migration.chain_errors import ClaimRefused
from phal2.bridge.migration.relay import PaidClaim, signed_claim
from phal2.bridge.migration.signers import StatementSigner
from phal2.bridge.migration.status import describe_deadline, read_claims
from phal2.bridge.migration.tree import MigrationTree
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.node.l1.client import L1Client
from phal2.node.protocol import rlp
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.transactions import Attestation

FORCING_SECONDS: Final = 2 * 86_400
"""How long a statement holds that is sent through L1 at once: twice over what a sequencing window usually lasts."""

_GAS_PERCENT: Final = 150
"""Of the estimate: a deposit that runs out of gas cannot be sent again for less than another one costs on L1."""


@dataclass(frozen=True, slots=True)
class ForcedClaim:
    """A claim that was paid by way of L1: the transaction there, and what L2 made of it."""

    l1_transaction_hash: bytes
    l1_block_number: int
    paid: PaidClaim


async def force_claim(
    l1: L1Client,
    l2: L1Client,
    contracts: RollupContracts,
    tree: MigrationTree,
    signer: StatementSigner,
    receiver: bytes,
    private_key: bytes,
    report: Report,
    *,
    valid_until: int | None = None,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    arrival_seconds: float,
) -> ForcedClaim:
    """Claim an account's PHA by a deposit of a 32-byte key's account on L1; wait until L2 has paid.

    `l2` may be a follower that is as far behind as a sequencing window. Without `valid_until` the statement holds for
    two days from L1's head.

    Raises:
        DepositNotArrived: L2 has not included it within `arrival_seconds`. It still comes.
        TransactionFailed: L2 included it, but did not pay: somebody else claimed meanwhile, say.
        ClaimRefused and others: As `claim`, before anything is sent.
    """
    relayer = address_of_private_key(private_key)
    # The deposit is in an L2 block of about L1's time, where L2 as it can be read now may be far behind.
    present = max(await head_timestamp(l1), await head_timestamp(l2))
    deadline = (await read_claims(l2.call)).deadline
    if 0 < deadline < present:
        raise ClaimRefused(f"the deadline for claims was {describe_deadline(deadline, present)}")
    until = present + FORCING_SECONDS if valid_until is None else valid_until
    prepared, attestation = await signed_claim(l2, tree, signer, receiver, relayer, valid_until=until)
    if until < present:
        raise ClaimRefused(f"a statement valid until {until} cannot be used: L1 is at {present}")
    gas = await estimated_gas(l2, relayer, prepared.function, attestation) * _GAS_PERCENT // 100
    deposit = attested_deposit(contracts, prepared.function, attestation, gas)
    mined = await send(l1, private_key, deposit, timeout_seconds=timeout_seconds, report=report)
    report(
        f"mined in L1 block {mined.block_number}; L2 includes it at the latest when the sequencing window has passed"
    )
    (arrived,) = await wait_for_arrival(l1, l2, contracts.portal, mined.hash, report, arrival_seconds)
    on_l2 = arrived.mined
    if on_l2 is None or not on_l2.succeeded:
        reason = "L2 did not pay; `phal2 migration status` and the account's leaf tell whether it was claimed before"
        raise TransactionFailed(prepared.function.name, arrived.l2_transaction_hash, reason)
    paid = PaidClaim(prepared.leaf, receiver, relayer, on_l2.hash, on_l2.block_number, on_l2.gas_used)
    return ForcedClaim(mined.hash, mined.block_number, paid)


def attested_deposit(
    contracts: RollupContracts, function: ContractFunction, attestation: Attestation, gas_limit: int
) -> ContractFunction:
    """Return the deposit that has L2 call `function` with a Substrate account's attestation.

    The portal wants at least the gas that the deposit's own data costs; where `gas_limit` is below, that is taken.
    """
    fields: list[rlp.Item] = [
        rlp.encode_uint(attestation.kind),
        rlp.encode_uint(attestation.valid_until),
        attestation.evidence,
    ]
    data = rlp.encode([function.address, function.data, fields])
    return portal_deposit(contracts, ATTESTATION_CONTEXT, 0, data, max(gas_limit, least_gas(data)))
