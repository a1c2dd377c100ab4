"""Scenarios made by hand for rules that chance rarely comes by: each is a name and what it plays."""

from itertools import product
from typing import Any

from arithmetic_scenario import arithmetic_at_the_edges
from cast import ABSENT, CHAIN_ID, FACTORY, PRECOMPILES, SENDERS, WATCHED
from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import deployment, op, push, store_in_memory
from program_strategies import FACTORY_CODE
from scenario_pieces import (
    ETHER,
    HELPER,
    LOG,
    LOG_GAS,
    MAIN,
    OTHER,
    RETURN_WORD,
    REVERT,
    call,
    create,
    played,
    store,
    transaction,
)
from scenarios import AuthorizationPlan, Scenario, TransactionPlan

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import BEACON_ROOTS, CONSOLIDATION_REQUESTS, HISTORY_STORAGE, WITHDRAWAL_REQUESTS
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount


def block_hashes() -> Scenario:
    distances = (0, 1, 2, 255, 256, 257, 300)
    code = b"".join(push(n) + op(Ops.NUMBER, Ops.SUB, Ops.BLOCKHASH) + LOG for n in distances)
    return played(transaction(), codes={MAIN: code}, blocks=2, parent_number=300)


def every_store() -> Scenario:
    """Original, present and new value of a slot: all ways through EIP-2200, EIP-2929 and EIP-3529."""
    code, storage = b"", {}
    for slot, (original, present, new) in enumerate(product(range(3), repeat=3)):
        storage[slot] = original
        code += store(slot, present) + LOG_GAS + store(slot, new) + LOG_GAS
    accounts = {MAIN: GenesisAccount(nonce=1, code=code, storage={s: w for s, w in storage.items() if w})}
    return played(transaction(), transaction(), accounts=accounts)


def transient_storage_of_failed_calls() -> Scenario:
    set_and_revert = push(7) + push(1) + op(Ops.TSTORE) + REVERT
    read = push(1) + op(Ops.TLOAD) + LOG
    set_nine = push(9) + push(1) + op(Ops.TSTORE)
    code = read + set_nine + call(HELPER, Ops.DELEGATECALL) + LOG + read
    code += call(OTHER, Ops.DELEGATECALL) + LOG + read + call(OTHER, Ops.STATICCALL, gas=push(9_000)) + LOG + read
    other = push(5) + push(1) + op(Ops.TSTORE)
    return played(transaction(), transaction(), codes={MAIN: code, HELPER: set_and_revert, OTHER: other})


def warmth_of_failed_calls() -> Scenario:
    helper = push(ABSENT[0]) + op(Ops.BALANCE, Ops.POP) + push(9) + op(Ops.SLOAD, Ops.POP) + REVERT
    look = push(ABSENT[0]) + op(Ops.BALANCE, Ops.POP) + LOG_GAS + push(9) + op(Ops.SLOAD, Ops.POP) + LOG_GAS
    return played(transaction(), codes={MAIN: call(HELPER, Ops.DELEGATECALL) + LOG + look + look, HELPER: helper})


def logs_of_failed_calls() -> Scenario:
    code = push(1) + LOG + call(HELPER) + LOG + call(OTHER) + LOG
    helper = push(2) + LOG + call(OTHER) + LOG + REVERT
    return played(transaction(), codes={MAIN: code, HELPER: helper, OTHER: push(3) + LOG})


def _destroyed_by(relay: bytes, beneficiary: bytes) -> Scenario:
    """A contract is created, and told to destroy itself by `relay`, twice; then it is looked at."""
    init_code = deployment(beneficiary + op(Ops.SELFDESTRUCT), store(0, 5))
    code = create(init_code, value=7, salt=0) + push(0) + op(Ops.MSTORE)
    code += (call(HELPER, value=3, given=32) + LOG) * 2
    code += op(Ops.PUSH0, Ops.MLOAD, Ops.DUP1, Ops.BALANCE) + LOG + op(Ops.EXTCODEHASH) + LOG
    return played(transaction(), transaction(), codes={MAIN: code, HELPER: relay}, blocks=2)


_RELAY = op(*[Ops.PUSH0] * 4, Ops.CALLVALUE, Ops.PUSH0, Ops.CALLDATALOAD, Ops.GAS, Ops.CALL) + LOG


def destroyed_in_its_transaction() -> Scenario:
    return _destroyed_by(_RELAY, push(ABSENT[0]))


def destroyed_in_favour_of_itself() -> Scenario:
    return _destroyed_by(_RELAY, op(Ops.ADDRESS))


def destroyed_in_a_failed_call() -> Scenario:
    return _destroyed_by(_RELAY + REVERT, push(ABSENT[0]))


def destroyed_though_older() -> Scenario:
    codes = {MAIN: call(HELPER, value=1) + LOG + call(OTHER) + LOG, HELPER: push(ABSENT[0]) + op(Ops.SELFDESTRUCT)}
    return played(transaction(), transaction(), codes=codes | {OTHER: op(Ops.ADDRESS, Ops.SELFDESTRUCT)})


def prices_of_self_destruction() -> Scenario:
    """With and without something to leave; to nobody, to somebody and to oneself; the first time and again."""
    heirs = (push(ABSENT[0]), push(ABSENT[1]), push(SENDERS[1]), op(Ops.ADDRESS))
    accounts = {
        bytes([0xD0 + 2 * index + balance]) * 20: GenesisAccount(balance, nonce=1, code=heir + op(Ops.SELFDESTRUCT))
        for index, heir in enumerate(heirs)
        for balance in (0, 1)
    }
    code = b"".join((call(address) + LOG + LOG_GAS) * 2 for address in accounts)
    return played(transaction(), transaction(), codes={MAIN: code}, accounts=accounts)


def created_again_after_a_failed_creation() -> Scenario:
    """Whether this transaction created the contract is taken back with the creation (EIP-6780)."""
    failing = store(0, 1) + REVERT
    code = create(failing, salt=0) + LOG + create(failing, salt=0) + LOG
    code += create(op(Ops.ADDRESS, Ops.SELFDESTRUCT), value=1, salt=1) + LOG + create(b"", salt=1) + LOG
    return played(transaction(), transaction(), codes={MAIN: code})


def creations_in_the_way_of_others() -> Scenario:
    """EIP-684 and EIP-7610: a nonce, code and storage are in the way of a creation, a balance is not."""
    init_code = deployment(op(Ops.STOP), store(0, 1))
    obstacles = (
        GenesisAccount(nonce=1),
        GenesisAccount(1, code=b"\x00"),
        GenesisAccount(1, storage={5: 5}),
        GenesisAccount(5),
    )
    addresses = (
        keccak256(b"\xff" + MAIN + salt.to_bytes(32, "big") + keccak256(init_code))[12:]
        for salt in range(len(obstacles))
    )
    accounts = dict(zip(addresses, obstacles, strict=True)) | {
        contract_address(SENDERS[1], nonce): obstacle for nonce, obstacle in enumerate(obstacles)
    }
    salted = op(Ops.PUSH0, Ops.CALLDATALOAD) + push(len(init_code)) + op(Ops.PUSH0) + push(1) + op(Ops.CREATE2)
    code = store_in_memory(init_code) + salted + LOG + LOG_GAS
    return played(
        *(transaction(data=salt.to_bytes(32, "big")) for salt in range(len(obstacles))),
        *[transaction(None, data=init_code, sender=1)] * len(obstacles),
        codes={MAIN: code},
        accounts=accounts,
    )


def what_creations_return() -> Scenario:
    """What is returned by a call before, by the creation of what the input says, and by one without the means."""
    size = op(Ops.RETURNDATASIZE) + LOG
    word = store_in_memory(b"\xab" * 32)
    init_codes = (
        deployment(op(Ops.STOP)),
        word + push(32) + op(Ops.PUSH0, Ops.REVERT),
        word + push(32) + op(Ops.PUSH0, Ops.RETURN),
        b"\xfe",
        deployment(b"\xef"),
        b"",
    )
    from_input = op(Ops.CALLDATASIZE, Ops.PUSH0, Ops.PUSH0, Ops.CALLDATACOPY, Ops.CALLDATASIZE, Ops.PUSH0, Ops.PUSH0)
    code = call(HELPER) + op(Ops.POP) + size + create(b"", value=2 * ETHER) + LOG + size
    code += call(HELPER) + op(Ops.POP) + from_input + op(Ops.CREATE) + LOG + size
    codes = {MAIN: code, HELPER: push(5) + RETURN_WORD}
    return played(*(transaction(data=init_code) for init_code in init_codes), codes=codes)


def creators_at_the_last_nonce() -> Scenario:
    code = create(deployment(b"")) + LOG + LOG_GAS
    last, last_but_one = (GenesisAccount(1, nonce=2**64 - n, code=code) for n in (1, 2))
    codes = {MAIN: call(HELPER) + LOG + call(OTHER) + LOG + call(OTHER) + LOG}
    return played(transaction(), codes=codes, accounts={HELPER: last, OTHER: last_but_one})


def value_that_calls_move() -> Scenario:
    targets = (HELPER, ABSENT[0], PRECOMPILES[3], SENDERS[1], MAIN)
    kinds = (Ops.CALL, Ops.CALLCODE, Ops.DELEGATECALL, Ops.STATICCALL)
    code = b"".join(
        call(target, kind, value, gas=push(0)) + LOG + LOG_GAS
        for target in targets
        for kind in kinds
        for value in (0, 1, 2 * ETHER)
    )
    helper = op(Ops.CALLVALUE) + LOG + LOG_GAS
    skip = op(Ops.PC) + push(6, 1) + op(Ops.ADD, Ops.JUMPI, Ops.STOP, Ops.JUMPDEST)
    # The contract returns at once when it is not called by the transaction.
    entry = op(Ops.CALLER, Ops.ORIGIN, Ops.EQ) + skip
    return played(transaction(gas=3_000_000), codes={MAIN: entry + code, HELPER: helper})


def calls_in_a_static_call() -> Scenario:
    forbidden = (
        push(1) + LOG,
        store(0, 1),
        push(1) + push(1) + op(Ops.TSTORE),
        create(b""),
        push(MAIN) + op(Ops.SELFDESTRUCT),
        call(OTHER, value=1),
        call(OTHER, Ops.CALLCODE, value=1) + op(Ops.POP),
    )
    accounts = {
        bytes([0xD0 + index]) * 20: GenesisAccount(1, nonce=1, code=code) for index, code in enumerate(forbidden)
    }
    code = b"".join(call(address, Ops.STATICCALL, gas=push(50_000)) + LOG + LOG_GAS for address in accounts)
    return played(transaction(), codes={MAIN: code, OTHER: b""}, accounts=accounts)


def memory_at_its_edges() -> Scenario:
    far = 2**256 - 1
    copies = (
        push(0) + push(far) + push(far) + op(Ops.MCOPY),
        push(33) + push(1) + op(Ops.PUSH0, Ops.MCOPY),
        push(33) + op(Ops.PUSH0) + push(1) + op(Ops.MCOPY),
        push(32) + push(200) + op(Ops.PUSH0, Ops.MCOPY),
        push(0) + push(far) + push(far) + op(Ops.CODECOPY),
        push(0) + push(far) + push(far) + op(Ops.CALLDATACOPY),
        push(40) + push(far) + op(Ops.PUSH0, Ops.CALLDATACOPY),
        push(40) + push(2**64) + op(Ops.PUSH0) + push(HELPER) + op(Ops.EXTCODECOPY),
        push(0) + op(Ops.RETURNDATASIZE) + push(far) + op(Ops.RETURNDATACOPY),
        push(0) + push(far) + op(Ops.LOG0),
        push(0) + push(far) + op(Ops.KECCAK) + LOG,
        push(7) + push(1_000) + op(Ops.MSTORE8),
    )
    note = op(Ops.MSIZE) + LOG + push(96) + op(Ops.PUSH0, Ops.KECCAK) + LOG + LOG_GAS
    code = store_in_memory(bytes(range(96))) + call(HELPER) + LOG + b"".join(copy + note for copy in copies)
    ends = [
        push(size) + push(offset) + op(end) for end in (Ops.RETURN, Ops.REVERT) for size, offset in ((0, far), (far, 0))
    ]
    enders = {bytes([0xD0 + index]) * 20: GenesisAccount(nonce=1, code=end) for index, end in enumerate(ends)}
    code += b"".join(call(address, gas=push(10_000)) + LOG for address in enders)
    return played(transaction(), codes={MAIN: code, HELPER: push(5) + RETURN_WORD}, accounts=enders)


def delegations_seen_by_code() -> Scenario:
    """Chains, loops, precompiled contracts and nobody as delegates, seen by every call and EXTCODE instruction."""
    delegates = {SENDERS[1]: HELPER, SENDERS[2]: SENDERS[1], SENDERS[3]: SENDERS[3], ABSENT[0]: PRECOMPILES[1]}
    accounts = {address: GenesisAccount(ETHER, nonce=1, code=delegation_to(to)) for address, to in delegates.items()}
    kinds = (Ops.CALL, Ops.CALLCODE, Ops.DELEGATECALL, Ops.STATICCALL)
    code = b""
    for address in delegates:
        code += b"".join(push(address) + op(look) + LOG + LOG_GAS for look in (Ops.EXTCODEHASH, Ops.EXTCODESIZE))
        code += push(23) + op(Ops.PUSH0, Ops.PUSH0) + push(address) + op(Ops.EXTCODECOPY, Ops.PUSH0, Ops.MLOAD) + LOG
        for kind in kinds:
            code += call(address, kind, gas=push(30_000), returned=32, given=64) + LOG + LOG_GAS
    helper = op(Ops.CODESIZE, Ops.ADDRESS, Ops.EXTCODESIZE, Ops.ADD) + RETURN_WORD
    direct = [transaction(address, data=b"\x01", value=1) for address in delegates]
    return played(transaction(), *direct, codes={MAIN: code, HELPER: helper}, accounts=accounts)


def delegations_set_and_cleared() -> Scenario:
    def by(authority: int, to: bytes) -> AuthorizationPlan:
        return AuthorizationPlan(authority, to, 0, CHAIN_ID)

    def set_code(*authorizations: AuthorizationPlan, **fields: Any) -> TransactionPlan:
        return transaction(kind=4, authorizations=authorizations, **fields)

    code = b"".join(push(address) + op(Ops.EXTCODEHASH) + LOG + LOG_GAS for address in WATCHED) + store(1, 0)
    nobody = bytes(20)
    return played(
        set_code(by(1, HELPER), by(3, HELPER)),
        set_code(by(0, HELPER), by(0, OTHER), to=SENDERS[0]),
        set_code(by(1, nobody), by(1, OTHER), by(1, nobody), to=SENDERS[1]),
        set_code(by(3, nobody), by(0, nobody), to=SENDERS[3], value=1),
        set_code(by(2, SENDERS[2]), to=SENDERS[2], gas=100_000),
        set_code(by(2, PRECOMPILES[0]), to=SENDERS[2]),
        codes={MAIN: code, HELPER: store(2, 1) + op(Ops.ADDRESS) + LOG, OTHER: REVERT},
        blocks=2,
    )


def requests_that_queue_up() -> Scenario:
    withdrawals = [transaction(WITHDRAWAL_REQUESTS, data=b"\x11" * 56, value=50, gas=200_000)] * 20
    consolidations = [transaction(CONSOLIDATION_REQUESTS, data=b"\x22" * 96, value=50, gas=300_000)] * 4
    fees = [transaction(target) for target in (WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS)]
    return played(*withdrawals, *consolidations, *fees, blocks=3)


def roots_and_hashes_from_system_contracts() -> Scenario:
    code = b""
    for target, words in ((BEACON_ROOTS, (Ops.TIMESTAMP,)), (HISTORY_STORAGE, (Ops.NUMBER,))):
        for back in (0, 1, 12, 8_191, 8_192):
            code += push(back) + op(*words, Ops.SUB, Ops.PUSH0, Ops.MSTORE)
            code += call(target, returned=32, given=32) + LOG + op(Ops.PUSH0, Ops.MLOAD) + LOG
        code += call(target, given=31, gas=push(50_000)) + LOG
    return played(transaction(), codes={MAIN: code}, blocks=2, parent_number=300)


def blobs_seen_by_code() -> Scenario:
    code = b"".join(push(index) + op(Ops.BLOBHASH) + LOG for index in (0, 1, 2, 2**256 - 1))
    hashes = (b"\x01" + b"\xaa" * 31, b"\x01" + b"\xbb" * 31)
    # Nine fit into a block: the second transaction does not.
    blobs = [transaction(kind=3, blob_hashes=hashes * count, blob_fee_offset=5) for count in (4, 1)]
    last = transaction(kind=3, blob_hashes=hashes[:1], blob_fee_offset=0)
    codes = {MAIN: code + op(Ops.BLOBBASEFEE) + LOG}
    return played(*blobs, last, transaction(), codes=codes, blocks=2, parent_excess_blob_gas=60_000_000)


def floor_against_refunds() -> Scenario:
    """EIP-7623: the floor holds after refunds, which themselves are a fifth of what was used without it."""
    clear = b"".join(store(slot, 0) for slot in range(1, 5))
    storage = dict.fromkeys(range(1, 5), 1)
    accounts = {MAIN: GenesisAccount(nonce=1, code=clear, storage=storage)}
    sizes = (0, 100, 1_000, 1_200, 3_000)
    return played(*(transaction(data=b"\xff" * size, gas=200_000) for size in sizes), accounts=accounts)


def code_that_cannot_be_paid_for() -> Scenario:
    """The deposit of code at its exact price and one gas below, and code at the limit of EIP-170 and above."""
    code = b""
    accounts: dict[bytes, GenesisAccount] = {}
    for gas in (6_400, 6_430, 6_440, 6_450, 7_000):
        factory_input = store_in_memory(deployment(bytes(32)))
        code += factory_input + call(FACTORY, gas=push(60_000 + gas), given=len(deployment(bytes(32)))) + LOG
    # Too long init code is found before the lack of means (EIP-3860), and takes all gas.
    for length, value in product((49_152, 49_153), (0, 2 * ETHER)):
        long_creation = push(length) + op(Ops.PUSH0) + push(value) + op(Ops.CREATE) + LOG
        accounts[bytes([0xE0 + len(accounts)]) * 20] = GenesisAccount(1, nonce=1, code=long_creation)
    code += b"".join(call(address, gas=push(100_000)) + LOG + LOG_GAS for address in accounts)
    for length in (24_576, 24_577):
        code += create(push(length) + op(Ops.PUSH0, Ops.RETURN)) + LOG + LOG_GAS
    accounts[FACTORY] = GenesisAccount(nonce=1, code=FACTORY_CODE)
    long = [transaction(None, data=bytes(length), gas=2_000_000) for length in (49_152, 49_153)]
    return played(transaction(gas=20_000_000), *long, codes={MAIN: code}, accounts=accounts)


SCENARIOS = {
    build.__name__.replace("_", " "): build
    for build in (
        arithmetic_at_the_edges,
        block_hashes,
        every_store,
        transient_storage_of_failed_calls,
        warmth_of_failed_calls,
        logs_of_failed_calls,
        destroyed_in_its_transaction,
        destroyed_in_favour_of_itself,
        destroyed_in_a_failed_call,
        destroyed_though_older,
        prices_of_self_destruction,
        created_again_after_a_failed_creation,
        creations_in_the_way_of_others,
        what_creations_return,
        creators_at_the_last_nonce,
        value_that_calls_move,
        calls_in_a_static_call,
        memory_at_its_edges,
        delegations_seen_by_code,
        delegations_set_and_cleared,
        requests_that_queue_up,
        roots_and_hashes_from_system_contracts,
        blobs_seen_by_code,
        floor_against_refunds,
        code_that_cannot_be_paid_for,
    )
}
