"""Blocks: environment from the parent, system calls, header fields, requests, and that building equals replaying."""

import hashlib
from dataclasses import replace

import pytest
from small_chain import (
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CONTRACT,
    ETHER,
    L1,
    L1_COINBASE,
    L2,
    LOG_AND_STOP,
    START_TIME,
    SmallChain,
    deposit,
    environment_of,
    return_word_of,
    rollup_config,
    transaction,
)

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS, L2_SYSTEM_CONTRACTS
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.fees import encode_holocene_extra_data
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork
from phal2.node.protocol.headers import EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT, Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import (
    BEACON_ROOTS,
    CONSOLIDATION_REQUESTS,
    HISTORY_STORAGE,
    L2_TO_L1_MESSAGE_PASSER,
    SEQUENCER_FEE_VAULT,
    WITHDRAWAL_REQUESTS,
)
from phal2.node.protocol.receipts import encode_receipt, join_blooms
from phal2.node.state.block_execution import apply_block
from phal2.node.state.create2_deployer import CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import l1_environment, l2_environment
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block, l2_genesis_block
from phal2.node.state.requests import DEPOSIT_CONTRACT, DEPOSIT_EVENT_TOPIC, requests_hash
from phal2.node.state.rules import L1Rules, L2Rules, Revision, UnsupportedFork, block_rules
from phal2.node.state.transaction_errors import BlobGasExceeded
from phal2.node.state.world_state import WorldState

HISTORY_WINDOW = 8_191


def parent_header(**changes: object) -> Header:
    genesis = l1_genesis_block(L1, genesis_state({}), START_TIME - 2, 30_000_000, 10**9).block.header
    return replace(genesis, **changes)


def attributes(**changes: object) -> PayloadAttributes:
    defaults = PayloadAttributes(
        timestamp=START_TIME,
        prev_randao=b"\x05" * 32,
        fee_recipient=SEQUENCER_FEE_VAULT,
        parent_beacon_block_root=b"\x06" * 32,
        transactions=(),
        no_tx_pool=True,
        gas_limit=40_000_000,
        eip1559_denominator=0,
        eip1559_elasticity=0,
    )
    return replace(defaults, **changes)


def test_the_l2_environment_follows_the_attributes() -> None:
    parent = parent_header(number=6, extra_data=encode_holocene_extra_data(250, 6), gas_used=5_000_000)
    environment = l2_environment(L2, parent, b"\x0a" * 32, attributes())
    assert (environment.number, environment.gas_limit) == (7, 40_000_000)
    assert environment.base_fee_per_gas == 10**9  # the parent used exactly a sixth of its limit
    assert environment.extra_data == encode_holocene_extra_data(250, 6)  # zeros stand for Canyon's constants
    assert environment.parent_beacon_block_root == b"\x06" * 32


def test_the_parents_extra_data_rules_the_base_fee() -> None:
    parent = parent_header(extra_data=encode_holocene_extra_data(8, 2), gas_used=30_000_000)
    environment = l2_environment(L2, parent, bytes(32), attributes(eip1559_denominator=50, eip1559_elasticity=3))
    assert environment.base_fee_per_gas == 10**9 + 10**9 // 8
    assert environment.extra_data == encode_holocene_extra_data(50, 3)


def test_a_parent_without_extra_data_is_an_error() -> None:
    with pytest.raises(InvalidEncoding):
        l2_environment(L2, parent_header(), bytes(32), attributes())


def test_the_l1_environment_moves_base_fee_and_excess_blob_gas() -> None:
    parent = parent_header(gas_used=30_000_000, blob_gas_used=9 * 131_072, excess_blob_gas=131_072)
    environment = l1_environment(L1, parent, bytes(32), START_TIME, L1_COINBASE, bytes(32), 30_000_000)
    assert environment.base_fee_per_gas == 1_125_000_000
    assert environment.excess_blob_gas == 4 * 131_072


def test_system_calls_store_beacon_root_and_parent_hash() -> None:
    for rules, contracts in ((L1, L1_SYSTEM_CONTRACTS), (L2, L2_SYSTEM_CONTRACTS)):
        chain = SmallChain(rules=rules, accounts=contracts)
        index = START_TIME % HISTORY_WINDOW
        assert chain.state.storage(BEACON_ROOTS, index) == START_TIME
        assert chain.state.storage(BEACON_ROOTS, index + HISTORY_WINDOW) == int.from_bytes(b"\x03" * 32, "big")
        assert chain.state.storage(HISTORY_STORAGE, 0) == int.from_bytes(b"\x01" * 32, "big")
        assert chain.execution.gas_used == 0


def test_before_isthmus_no_parent_hash_is_stored() -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, isthmus_time=START_TIME + 1)))
    chain = SmallChain(rules=rules, accounts=L2_SYSTEM_CONTRACTS)
    assert chain.state.storage(HISTORY_STORAGE, 0) == 0


def test_the_l2_header_has_isthmus_fields() -> None:
    passer = GenesisAccount(nonce=1, code=bytes.fromhex("60015f55"))  # stores when called
    chain = SmallChain(accounts={L2_TO_L1_MESSAGE_PASSER: passer}, environment={"extra_data": b"\x00extra"})
    chain.execution.apply(transaction(to=L2_TO_L1_MESSAGE_PASSER))
    executed = chain.execution.seal()
    header = executed.block.header
    assert header.withdrawals_root == chain.state.storage_root(L2_TO_L1_MESSAGE_PASSER) != EMPTY_TRIE_ROOT
    assert header.requests_hash == EMPTY_REQUESTS_HASH
    assert (header.blob_gas_used, header.excess_blob_gas) == (0, 0)
    assert header.parent_beacon_block_root == b"\x03" * 32
    assert (header.extra_data, header.coinbase, header.gas_limit) == (b"\x00extra", SEQUENCER_FEE_VAULT, 30_000_000)
    assert executed.block.hash == header_hash(header)
    assert executed.state_update.state_root == header.state_root


def test_earlier_headers_end_earlier() -> None:
    holocene = replace(ALL_THROUGH_ISTHMUS, isthmus_time=None)
    delta = replace(
        holocene, ecotone_time=None, fjord_time=None, granite_time=None, holocene_time=None, attested_time=None
    )
    for forks, absent, present in (
        (holocene, "requests_hash", "parent_beacon_block_root"),
        (delta, "blob_gas_used", "withdrawals_root"),
        (replace(delta, canyon_time=None, delta_time=None), "withdrawals_root", "base_fee_per_gas"),
    ):
        rules = L2Rules(rollup_config(forks))
        before_ecotone = block_rules(rules, START_TIME).revision < Revision.CANCUN
        changes = {"parent_beacon_block_root": None, "excess_blob_gas": None} if before_ecotone else {}
        header = SmallChain(rules=rules, environment=changes).execution.seal().block.header
        assert getattr(header, absent) is None
        assert getattr(header, present) is not None


def test_forks_that_are_not_supported_are_named() -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, jovian_time=0)))
    with pytest.raises(UnsupportedFork) as caught:
        block_rules(rules, START_TIME)
    assert caught.value.fork is Fork.JOVIAN


def test_roots_and_bloom_are_those_of_the_receipts() -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=LOG_AND_STOP)})
    sent = [deposit(mint=ETHER), transaction(to=CONTRACT), transaction(BOB_KEY, value=1)]
    outcomes = [chain.execution.apply(each) for each in sent]
    executed = chain.execution.seal()
    header = executed.block.header
    assert header.transactions_root == ordered_trie_root([each.raw for each in sent])
    assert header.receipts_root == ordered_trie_root([encode_receipt(outcome.receipt) for outcome in outcomes])
    assert header.bloom == join_blooms(outcome.receipt.bloom for outcome in outcomes)
    assert header.gas_used == sum(outcome.gas_used for outcome in outcomes)
    assert executed.senders == tuple(each.sender for each in sent)


def test_replaying_a_block_gives_the_same_hash() -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=LOG_AND_STOP)})
    sent = [deposit(mint=ETHER), transaction(to=CONTRACT), transaction(BOB_KEY, value=1)]
    for each in sent:
        chain.execution.apply(each)
    replayed = apply_block(
        L2, chain.block_environment, sent, chain.database, chain.state_root, KnownBlockHashes(), QuoteVerdicts()
    )
    sealed = chain.execution.seal()
    assert replayed.state_update.records != sealed.state_update.records  # no location is used twice
    assert replace(replayed, state_update=sealed.state_update) == sealed


def test_the_next_block_reads_what_this_one_wrote() -> None:
    chain = SmallChain()
    chain.execution.apply(transaction(value=ETHER))
    update = chain.execution.seal().state_update
    chain.database.add(update)
    chain.state_root = update.state_root
    following = chain.open_block()
    following.apply(transaction(nonce=1, value=ETHER))
    assert following.state.nonce(transaction().sender) == 2


def test_blobs_are_counted_over_the_block() -> None:
    chain = SmallChain(rules=L1)
    hashes = (b"\x01" * 32,) * 5
    chain.execution.apply(transaction(rules=L1, blob_versioned_hashes=hashes))
    with pytest.raises(BlobGasExceeded):
        chain.execution.apply(transaction(BOB_KEY, rules=L1, blob_versioned_hashes=hashes))
    assert chain.execution.seal().block.header.blob_gas_used == 5 * 131_072


def test_an_l1_block_without_requests_has_the_empty_hash() -> None:
    chain = SmallChain(rules=L1, accounts=L1_SYSTEM_CONTRACTS)
    header = chain.execution.seal().block.header
    assert header.requests_hash == EMPTY_REQUESTS_HASH
    assert header.withdrawals_root == EMPTY_TRIE_ROOT


def test_requests_are_collected_from_contracts_and_deposit_events() -> None:
    fields = ((160, b"\x0a" * 48), (256, b"\x0b" * 32), (320, b"\x0c" * 8), (384, b"\x0d" * 96), (512, b"\x0e" * 8))
    event = b"".join(offset.to_bytes(32, "big") for offset, _ in fields)
    for _, field in fields:
        event += len(field).to_bytes(32, "big") + field.ljust((len(field) + 31) // 32 * 32, b"\0")
    # codecopy(0, 49, 576); log1(0, 576, topic)
    emitter = bytes.fromhex("61024060315f397f") + DEPOSIT_EVENT_TOPIC + bytes.fromhex("6102405fa1") + bytes(4)
    accounts = {
        DEPOSIT_CONTRACT: GenesisAccount(code=emitter + event),
        WITHDRAWAL_REQUESTS: GenesisAccount(code=return_word_of("6001")),
        CONSOLIDATION_REQUESTS: GenesisAccount(code=return_word_of("6002")),
    }
    chain = SmallChain(rules=L1, accounts=accounts)
    assert chain.execution.apply(transaction(rules=L1, to=DEPOSIT_CONTRACT)).receipt.status == 1
    requests = (
        b"\x00" + b"".join(field for _, field in fields),
        b"\x01" + (1).to_bytes(32, "big"),
        b"\x02" + (2).to_bytes(32, "big"),
    )
    expected = hashlib.sha256(b"".join(hashlib.sha256(request).digest() for request in requests)).digest()
    assert chain.execution.seal().block.header.requests_hash == requests_hash(requests) == expected


def test_genesis_headers_have_their_forks_fields() -> None:
    state = genesis_state({BOB: GenesisAccount(1)})
    l2 = l2_genesis_block(L2, state, START_TIME, 30_000_000, 10**9).block.header
    assert (l2.coinbase, l2.withdrawals_root) == (SEQUENCER_FEE_VAULT, EMPTY_TRIE_ROOT)
    assert l2.extra_data == encode_holocene_extra_data(250, 6)
    assert l2.requests_hash == EMPTY_REQUESTS_HASH
    l1 = l1_genesis_block(L1Rules(1, Revision.SHANGHAI), state, START_TIME, 30_000_000, 10**9).block.header
    assert (l1.withdrawals_root, l1.blob_gas_used, l1.extra_data) == (EMPTY_TRIE_ROOT, None, b"")


def test_the_genesis_withdrawals_root_is_the_message_passers() -> None:
    state = genesis_state({L2_TO_L1_MESSAGE_PASSER: GenesisAccount(storage={1: 2})})
    header = l2_genesis_block(L2, state, START_TIME, 30_000_000, 10**9).block.header
    database = MemoryDatabase()
    database.add(state)
    root = WorldState(database, state.state_root).storage_root(L2_TO_L1_MESSAGE_PASSER)
    assert header.withdrawals_root == root != EMPTY_TRIE_ROOT


def test_an_environment_without_contracts_needs_no_engine() -> None:
    chain = SmallChain(environment={"number": 5})
    assert environment_of(L2, number=5) == chain.block_environment
    chain.execution.apply(transaction(ALICE_KEY, value=1))
    assert chain.execution.seal().block.header.number == 5


@pytest.mark.parametrize(("late", "is_there"), [(-1, False), (0, True), (1, False)])
def test_the_block_of_canyons_time_has_the_create2_deployer(late: int, is_there: bool) -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, canyon_time=START_TIME - late)))
    chain = SmallChain(rules)
    assert keccak256(CREATE2_DEPLOYER_CODE).hex() == "b0550b5b431e30d38000efb7107aaa0ade03d48a7198a140edda9d27134468b2"
    assert chain.state.code(CREATE2_DEPLOYER) == (CREATE2_DEPLOYER_CODE if is_there else b"")
    assert (chain.execution.seal().block.header.state_root == chain.state_root) is not is_there
