"""Stateless execution: what a witness must be, and the hashes of ancestors that it gives."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_chain import ALICE, ETHER, L2, SmallChain, rollup_config, transaction

from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork
from phal2.node.protocol.headers import Header, encode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.rules import L2Rules, UnsupportedFork
from phal2.node.state.stateless import (
    InvalidPayloadTransaction,
    MissingPreimage,
    Witness,
    WitnessBlockHashes,
    WrongPreimage,
    execute_statelessly,
    verified_witness,
)
from phal2.node.state.trie_records import bare_nodes

GENESIS_TIME = 1_750_000_000
GENESIS = l2_genesis_block(L2, genesis_state({ALICE: GenesisAccount(ETHER)}), GENESIS_TIME, 30_000_000, 10**9)
WITNESS = Witness(bare_nodes(GENESIS.state_update.records))


def attributes(*envelopes: bytes) -> PayloadAttributes:
    return PayloadAttributes(
        timestamp=GENESIS_TIME + 1,
        prev_randao=bytes(32),
        fee_recipient=SEQUENCER_FEE_VAULT,
        parent_beacon_block_root=bytes(32),
        transactions=envelopes,
        no_tx_pool=True,
        gas_limit=30_000_000,
        eip1559_denominator=0,
        eip1559_elasticity=0,
    )


def lineage(length: int) -> list[Header]:
    headers = [GENESIS.block.header]
    while len(headers) < length:
        headers.append(replace(headers[-1], parent_hash=header_hash(headers[-1]), number=headers[-1].number + 1))
    return headers


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=5, unique=True), st.data())
def test_a_witness_is_what_its_hashes_say(preimages: list[bytes], data: st.DataObject) -> None:
    by_hash = {keccak256(preimage): preimage for preimage in preimages}
    assert verified_witness(by_hash).preimages == by_hash

    wrong = data.draw(st.sampled_from(sorted(by_hash)))
    with pytest.raises(WrongPreimage) as error:
        verified_witness(by_hash | {wrong: by_hash[wrong] + b"\x00"})
    assert (error.value.stated, error.value.actual) == (wrong, keccak256(by_hash[wrong] + b"\x00"))


def test_every_ancestors_hash_comes_from_the_header_after_it() -> None:
    headers = lineage(9)
    witness = Witness({header_hash(header): encode_header(header) for header in headers})
    for number in (0, 7, 3, 8, 0):
        assert WitnessBlockHashes(headers[8], witness).block_hash(number) == header_hash(headers[number])
    assert WitnessBlockHashes(headers[8], witness).block_hash(9) is None


def test_two_hashes_need_no_witness_and_the_third_names_what_it_lacks() -> None:
    headers = lineage(4)
    hashes = WitnessBlockHashes(headers[3], Witness({}))
    assert [hashes.block_hash(number) for number in (3, 2)] == [header_hash(headers[3]), header_hash(headers[2])]
    with pytest.raises(MissingPreimage) as error:
        hashes.block_hash(1)
    assert (error.value.kind, error.value.missing) == ("block header", header_hash(headers[2]))


def test_a_block_is_made_from_its_witness_alone() -> None:
    sent = transaction(value=1, max_fee_per_gas=3 * 10**9)
    executed = execute_statelessly(L2, GENESIS.block.header, attributes(sent.raw), WITNESS)
    whole = SmallChain(accounts={ALICE: GenesisAccount(ETHER)})
    assert executed.block.header.gas_used == whole.execution.apply(sent).gas_used
    assert executed.block.header.parent_hash == GENESIS.block.hash


def test_a_transaction_that_may_not_be_there_is_named_by_its_index() -> None:
    first, again = transaction(max_fee_per_gas=3 * 10**9), transaction(value=1, max_fee_per_gas=3 * 10**9)
    for wrong in (again.raw, b"\x02\xc0", b""):
        with pytest.raises(InvalidPayloadTransaction, match="transaction 1 of the payload is invalid: ") as error:
            execute_statelessly(L2, GENESIS.block.header, attributes(first.raw, wrong), WITNESS)
        assert error.value.index == 1


def test_a_fork_that_is_not_supported_is_named_whatever_the_parent_has() -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, jovian_time=0)))
    with pytest.raises(UnsupportedFork) as error:
        execute_statelessly(rules, GENESIS.block.header, attributes(), WITNESS)
    assert error.value.fork is Fork.JOVIAN
