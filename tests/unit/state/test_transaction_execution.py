"""What a signed transaction does to the state, who pays for it, and what its receipt says."""

from dataclasses import replace

from small_chain import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CLEAR_SLOT,
    CONTRACT,
    ETHER,
    GWEI,
    INVALID,
    L1,
    L1_COINBASE,
    LOG_AND_STOP,
    NOBODY,
    OTHER_CONTRACT,
    REVERT_WITH_WORD,
    STORE_ONE,
    SmallChain,
    authorization,
    return_word_of,
    rollup_config,
    transaction,
)

from phal2.node.protocol.addresses import ZERO_ADDRESS, contract_address
from phal2.node.protocol.fees import L1FeeParameters, l1_fee
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    L1_BLOCK,
    L1_FEE_VAULT,
    OPERATOR_FEE_VAULT,
    P256_VERIFY,
    SEQUENCER_FEE_VAULT,
)
from phal2.node.protocol.receipts import Log
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.rules import L2Rules


def contract(code: bytes, balance: int = 0, **storage: int) -> GenesisAccount:
    return GenesisAccount(balance, nonce=1, code=code, storage={int(slot[1:]): word for slot, word in storage.items()})


def test_a_transfer_moves_the_value_and_charges_its_gas() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(transaction(value=5 * ETHER))
    assert outcome.receipt.status == 1
    assert outcome.gas_used == chain.execution.gas_used == 21_000
    assert outcome.effective_gas_price == 2 * GWEI
    assert chain.state.balance(NOBODY) == 5 * ETHER
    assert chain.state.balance(ALICE) == 95 * ETHER - 21_000 * 2 * GWEI
    assert chain.state.nonce(ALICE) == 1


def test_fees_go_to_the_vaults_on_l2() -> None:
    parameters = L1FeeParameters(
        l1_base_fee=7 * GWEI,
        blob_base_fee=3,
        base_fee_scalar=2_000,
        blob_base_fee_scalar=9_000,
        operator_fee_scalar=500_000,
        operator_fee_constant=77,
    )
    l1_block = contract(b"\x00", s1=7 * GWEI, s3=2_000 << 96 | 9_000 << 64 | 4, s7=3, s8=500_000 << 64 | 77)
    chain = SmallChain(accounts={L1_BLOCK: l1_block})
    sent = transaction(value=1)
    chain.execution.apply(sent)
    data_fee = l1_fee(sent.raw, parameters, Fork.ISTHMUS)
    operator_fee = 21_000 // 2 + 77
    assert data_fee > 0
    assert chain.state.balance(BASE_FEE_VAULT) == 21_000 * GWEI
    assert chain.state.balance(SEQUENCER_FEE_VAULT) == 21_000 * GWEI
    assert chain.state.balance(L1_FEE_VAULT) == data_fee
    assert chain.state.balance(OPERATOR_FEE_VAULT) == operator_fee
    assert chain.state.balance(ALICE) == 100 * ETHER - 1 - 21_000 * 2 * GWEI - data_fee - operator_fee


def test_the_base_fee_is_burned_on_l1() -> None:
    chain = SmallChain(rules=L1)
    chain.execution.apply(transaction(rules=L1))
    assert chain.state.balance(L1_COINBASE) == 21_000 * GWEI
    assert chain.state.balance(BASE_FEE_VAULT) == 0
    assert chain.state.balance(ALICE) == 100 * ETHER - 21_000 * 2 * GWEI


def test_blob_gas_is_burned_at_its_price() -> None:
    chain = SmallChain(rules=L1)
    chain.execution.apply(transaction(rules=L1, blob_versioned_hashes=(b"\x01" * 32,) * 2, max_fee_per_blob_gas=50))
    assert chain.state.balance(ALICE) == 100 * ETHER - 21_000 * 2 * GWEI - 2 * 131_072


def test_a_revert_keeps_its_reason_and_returns_the_unused_gas() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(STORE_ONE + REVERT_WITH_WORD)})
    outcome = chain.execution.apply(transaction(to=CONTRACT, value=1))
    assert outcome.receipt.status == 0
    assert outcome.error == "execution reverted"
    assert outcome.return_data == (42).to_bytes(32, "big")
    assert outcome.gas_used < 100_000
    assert chain.state.storage(CONTRACT, 0) == 0
    assert chain.state.balance(CONTRACT) == 0
    assert chain.state.nonce(ALICE) == 1


def test_an_exceptional_halt_burns_all_gas() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(INVALID)})
    outcome = chain.execution.apply(transaction(to=CONTRACT))
    assert (outcome.receipt.status, outcome.gas_used, outcome.error) == (0, 100_000, "invalid opcode: INVALID")


def test_running_out_of_gas_says_so() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(STORE_ONE)})
    outcome = chain.execution.apply(transaction(to=CONTRACT, gas_limit=25_000))
    assert (outcome.gas_used, outcome.error) == (25_000, "out of gas")


def test_logs_come_in_the_receipt_and_not_where_the_call_failed() -> None:
    chain = SmallChain(
        accounts={CONTRACT: contract(LOG_AND_STOP), OTHER_CONTRACT: contract(LOG_AND_STOP + REVERT_WITH_WORD)}
    )
    logged = chain.execution.apply(transaction(to=CONTRACT)).receipt
    assert logged.logs == (Log(CONTRACT, ((255).to_bytes(32, "big"),), b""),)
    reverted = chain.execution.apply(transaction(nonce=1, to=OTHER_CONTRACT)).receipt
    assert reverted.logs == ()
    assert reverted.cumulative_gas_used > logged.cumulative_gas_used


def test_clearing_storage_refunds_at_most_a_fifth() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(CLEAR_SLOT, s0=1)})
    outcome = chain.execution.apply(transaction(to=CONTRACT))
    before_refund = 21_000 + 2 + 2 + 5_000
    assert outcome.gas_used == before_refund - 4_800
    assert chain.state.storage(CONTRACT, 0) == 0


def test_the_floor_holds_after_refunds() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(transaction(data=b"\x01" * 100))
    assert outcome.gas_used == 21_000 + 40 * 100


def test_a_creation_stores_the_returned_code() -> None:
    chain = SmallChain()
    init_code = bytes.fromhex("60015f5360015ff3")  # returns one byte, 0x01
    outcome = chain.execution.apply(transaction(to=None, data=init_code, value=3))
    created = contract_address(ALICE, 0)
    assert outcome.contract_address == created
    assert chain.state.code(created) == b"\x01"
    assert chain.state.nonce(created) == 1
    assert chain.state.balance(created) == 3


def test_a_failed_creation_still_has_its_address() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(transaction(to=None, data=REVERT_WITH_WORD))
    assert outcome.receipt.status == 0
    assert outcome.contract_address == contract_address(ALICE, 0)
    assert not chain.state.exists(contract_address(ALICE, 0))
    assert chain.state.nonce(ALICE) == 1


def test_a_creation_onto_used_storage_collides() -> None:
    occupied = GenesisAccount(storage={1: 1}, balance=1)
    chain = SmallChain(accounts={contract_address(ALICE, 0): occupied})
    outcome = chain.execution.apply(transaction(to=None, data=b"\x00"))
    assert (outcome.error, outcome.gas_used) == ("contract address collision", 100_000)


def test_code_that_begins_with_ef_is_not_stored() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(transaction(to=None, data=bytes.fromhex("60ef5f5360015ff3")))
    assert outcome.error == "invalid code: must not begin with 0xef"


def test_a_transfer_with_data_to_a_precompile_runs_it() -> None:
    chain = SmallChain(rules=L1)
    identity = (4).to_bytes(20, "big")
    outcome = chain.execution.apply(transaction(rules=L1, to=identity, data=b"\x01\x02"))
    assert outcome.return_data == b"\x01\x02"


def test_p256_verify_is_on_l2_only() -> None:
    l1, l2 = SmallChain(rules=L1), SmallChain()
    on_l2 = l2.execution.apply(transaction(to=P256_VERIFY)).gas_used
    on_l1 = l1.execution.apply(transaction(rules=L1, to=P256_VERIFY)).gas_used
    assert (on_l1, on_l2) == (21_000, 21_000 + 3_450)


def test_an_authorization_sets_a_delegation_and_the_code_runs_at_once() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(STORE_ONE)})
    chain.execution.apply(
        transaction(to=BOB, authorization_list=(authorization(BOB_KEY, CONTRACT),), gas_limit=200_000)
    )
    assert chain.state.code(BOB) == delegation_to(CONTRACT)
    assert chain.state.nonce(BOB) == 1
    assert chain.state.storage(BOB, 0) == 1


def test_the_senders_own_authorization_has_the_nonce_after_the_transactions() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(STORE_ONE)})
    chain.execution.apply(transaction(authorization_list=(authorization(ALICE_KEY, CONTRACT, nonce=1),)))
    assert chain.state.code(ALICE) == delegation_to(CONTRACT)
    assert chain.state.nonce(ALICE) == 2


def test_authorizations_that_do_not_hold_are_skipped() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(STORE_ONE)})
    good = authorization(BOB_KEY, CONTRACT)
    broken = (
        authorization(BOB_KEY, CONTRACT, chain_id=1),
        authorization(BOB_KEY, CONTRACT, nonce=7),
        replace(good, y_parity=2),
        replace(good, s=2**256 - 1),
        authorization(BOB_KEY, CONTRACT, nonce=2**64 - 1),
    )
    outcome = chain.execution.apply(transaction(authorization_list=broken, gas_limit=400_000))
    assert outcome.receipt.status == 1
    assert outcome.gas_used == 21_000 + 5 * 25_000
    assert chain.state.code(BOB) == b""


def test_an_authorization_of_an_existing_account_is_refunded_in_part() -> None:
    chain = SmallChain()
    existing = chain.execution.apply(transaction(authorization_list=(authorization(BOB_KEY, CONTRACT),)))
    assert existing.gas_used == 21_000 + 25_000 - 46_000 // 5
    new_key = b"\x07" * 32
    made = chain.execution.apply(
        transaction(nonce=1, authorization_list=(authorization(new_key, CONTRACT),), gas_limit=60_000)
    )
    assert made.gas_used == 46_000


def test_authorizing_address_zero_ends_the_delegation() -> None:
    chain = SmallChain(accounts={BOB: GenesisAccount(ETHER, nonce=4, code=delegation_to(CONTRACT))})
    chain.execution.apply(transaction(authorization_list=(authorization(BOB_KEY, ZERO_ADDRESS, nonce=4),)))
    assert chain.state.code(BOB) == b""


def test_a_delegation_to_a_precompile_runs_nothing() -> None:
    identity = (4).to_bytes(20, "big")
    chain = SmallChain(accounts={BOB: GenesisAccount(ETHER, code=delegation_to(identity))})
    outcome = chain.execution.apply(transaction(to=BOB, data=b"\x01"))
    assert (outcome.receipt.status, outcome.return_data) == (1, b"")


def test_access_lists_warm_what_they_name() -> None:
    chain = SmallChain(accounts={CONTRACT: contract(bytes.fromhex("5f5400"), s0=1)})  # sload(0)
    cold = chain.execution.apply(transaction(to=CONTRACT)).gas_used
    warm = chain.execution.apply(transaction(nonce=1, to=CONTRACT, access_list=((CONTRACT, (bytes(32),)),))).gas_used
    assert cold == 21_000 + 2 + 2_100
    assert warm == 21_000 + 2_400 + 1_900 + 2 + 100


def test_transient_storage_ends_with_the_transaction() -> None:
    code = return_word_of("5f5c" + "60015f5d")  # tload(0), then tstore(0, 1); returns what was loaded
    chain = SmallChain(accounts={CONTRACT: contract(code)})
    first = chain.execution.apply(transaction(to=CONTRACT))
    second = chain.execution.apply(transaction(nonce=1, to=CONTRACT))
    assert first.return_data == second.return_data == bytes(32)


def test_a_contract_made_earlier_survives_its_self_destruction() -> None:
    code = bytes.fromhex("73") + BOB + bytes.fromhex("ff")
    chain = SmallChain(accounts={CONTRACT: contract(code, balance=5)})
    chain.execution.apply(transaction(to=CONTRACT))
    assert chain.state.code(CONTRACT) == code
    assert chain.state.balance(CONTRACT) == 0
    assert chain.state.balance(BOB) == 100 * ETHER + 5


def test_a_contract_that_destroys_itself_as_it_is_made_is_gone() -> None:
    chain = SmallChain()
    outcome = chain.execution.apply(transaction(to=None, value=5, data=bytes.fromhex("30ff")))
    assert outcome.receipt.status == 1
    assert not chain.state.exists(contract_address(ALICE, 0))


def test_an_empty_account_that_is_touched_is_removed() -> None:
    chain = SmallChain(accounts={NOBODY: GenesisAccount()})
    assert chain.state.exists(NOBODY)
    chain.execution.apply(transaction(to=NOBODY))
    assert not chain.state.exists(NOBODY)


def test_a_transfer_of_nothing_makes_no_account() -> None:
    chain = SmallChain()
    chain.execution.apply(transaction(to=NOBODY))
    assert not chain.state.exists(NOBODY)


def test_opcodes_see_block_and_transaction() -> None:
    for instructions, expected in (
        ("41", int.from_bytes(SEQUENCER_FEE_VAULT, "big")),  # COINBASE
        ("42", 1_750_000_000),  # TIMESTAMP
        ("43", 1),  # NUMBER
        ("44", int.from_bytes(b"\x02" * 32, "big")),  # PREVRANDAO
        ("45", 30_000_000),  # GASLIMIT
        ("46", 20350),  # CHAINID
        ("48", GWEI),  # BASEFEE
        ("4a", 1),  # BLOBBASEFEE
        ("3a", 2 * GWEI),  # GASPRICE
        ("32", int.from_bytes(ALICE, "big")),  # ORIGIN
        ("5f40", int.from_bytes(b"\x01" * 32, "big")),  # BLOCKHASH of block 0
        ("600140", 0),  # BLOCKHASH of this block
    ):
        chain = SmallChain(accounts={CONTRACT: contract(return_word_of(instructions))})
        outcome = chain.execution.apply(transaction(to=CONTRACT))
        assert int.from_bytes(outcome.return_data, "big") == expected, instructions


def test_holocene_blocks_have_no_set_code_precompiles() -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, isthmus_time=None)))
    chain = SmallChain(rules=rules)
    g1_add = (0x0B).to_bytes(20, "big")
    assert chain.execution.apply(transaction(to=g1_add)).gas_used == 21_000
