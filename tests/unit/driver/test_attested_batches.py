"""Attested transactions in batches: what L1 says is judged as the sequencer judges it, whoever posted it."""

from dataclasses import replace

import pytest
from driven_rollup import GENESIS_TIME, KEY, SENDER, DrivenRollup, singular_batch, until

from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    quote_attestation,
    sign_attested,
    statement_for,
)
from phal2.node.attestation.statement import report_data_of
from phal2.node.attestation.substrate_signatures import SR25519
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.protocol.transactions import Attestation

BLOCK_TIME = GENESIS_TIME + 1
CALL = Call(20_350, 0, ATTESTATION_CONTEXT, 0, b"", 1_000_000, 0, 10**10)
SECRET = AccountSecret(SR25519, b"\x31" * 32)


def quoted(call: Call = CALL, *, flip: int | None = None) -> Attestation:
    until_time = BLOCK_TIME + 600
    simulated = simulate_quote(report_data_of(statement_for(call, SENDER, until_time)), "gate", BLOCK_TIME)
    quote = bytearray(simulated.quote)
    if flip is not None:
        quote[flip] ^= 1
    return quote_attestation(bytes(quote), simulated.collateral_json, until_time)


def by_account(call: Call = CALL, *, until_time: int = BLOCK_TIME) -> Attestation:
    return account_attestation(account_statement_for(call, until_time, b"note"), SECRET)


VALID = {"quote": quoted(), "account, until this second": by_account()}
INVALID = {
    "quote of another nonce": quoted(replace(CALL, nonce=1)),
    "changed measurement": quoted(flip=200),
    "changed signature": quoted(flip=640),
    "unregistered enclave": enclave_key_attestation(statement_for(CALL, SENDER, BLOCK_TIME), b"\x22" * 32),
    "account, for another contract": by_account(replace(CALL, to=bytes(20))),
    "account, until the second before": by_account(until_time=BLOCK_TIME - 1),
    "account, for too long": by_account(until_time=BLOCK_TIME + 2_592_001),
    "unknown kind": Attestation(4, BLOCK_TIME, ()),
}


async def derived(rollup: DrivenRollup, attestation: Attestation) -> tuple[list[int], bool]:
    """Post block 1 with an attested transaction.

    Return the types of the transactions that it then has on a follower, and whether the sequencer has the same block.
    """
    sequencer, follower = await rollup.node("sequencer", is_sequencer=True), await rollup.node("follower")
    await rollup.grow(sequencer)
    (block,) = rollup.blocks(sequencer, [1])
    await rollup.l1.mine()

    await rollup.post([replace(singular_batch(block), transactions=(sign_attested(CALL, attestation, KEY),))])

    await until(lambda: sequencer.heads.safe.number == follower.heads.safe.number == 1)
    (derived_block,) = rollup.blocks(follower, [1])
    return [raw[0] for raw in derived_block.transactions], sequencer.heads.safe == follower.heads.safe


@pytest.mark.parametrize("attestation", VALID.values(), ids=VALID)
async def test_a_batch_brings_attested_transactions(rollup: DrivenRollup, attestation: Attestation) -> None:
    assert await derived(rollup, attestation) == ([0x7E, 0x54], True)


@pytest.mark.parametrize("attestation", INVALID.values(), ids=INVALID)
async def test_an_attestation_that_does_not_hold_leaves_a_block_with_deposits_only(
    rollup: DrivenRollup, attestation: Attestation
) -> None:
    assert await derived(rollup, attestation) == ([0x7E], True)
