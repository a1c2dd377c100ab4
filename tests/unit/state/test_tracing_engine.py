"""What the engine tells a tracer: messages, instructions with their gas, logs, and why things fail, in geth's words."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_chain import (
    ALICE,
    BOB,
    CLEAR_SLOT,
    CONTRACT,
    ETHER,
    LOG_AND_STOP,
    NOBODY,
    OTHER_CONTRACT,
    STORE_ONE,
    SmallChain,
    deposit,
    transaction,
)
from test_attested_execution import READER, AttestedChain, by_account, call, sent
from watched_execution import KeepingTracer, run, watch

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.rules import Revision
from phal2.node.state.tracing import CALL, CREATE, DELEGATECALL, SELFDESTRUCT, STATICCALL

GAS = 1_000_000


def contract(code: bytes | str, **fields: Any) -> GenesisAccount:
    return GenesisAccount(nonce=1, code=bytes.fromhex(code) if isinstance(code, str) else code, **fields)


def calling(opcode: str, target: bytes, value: int = 0) -> bytes:
    """Return code that calls `target` with all its gas, four zero bytes of data and a value of one byte."""
    has_value = opcode in ("f1", "f2")
    return bytes.fromhex("5f5f60045f" + (f"60{value:02x}" if has_value else "") + f"73{target.hex()}5a{opcode}00")


def creating(init_code: bytes, opcode: str = "f0", value: int = 0) -> bytes:
    """Return code that creates a contract with init code of at most 32 bytes; CREATE2 with the salt 7."""
    salt = "6007" if opcode == "f5" else ""
    padded = init_code.ljust(32, b"\0").hex()
    return bytes.fromhex(f"7f{padded}5f52{salt}60{len(init_code):02x}5f60{value:02x}{opcode}00")


def test_a_transfer_is_a_message_without_instructions() -> None:
    watched = watch({}, to=BOB, value=5)
    ((start, end),) = watched.tracer.frames
    assert (start.depth, start.opcode, start.sender, start.to, start.value, start.gas) == (0, CALL, ALICE, BOB, 5, GAS)
    assert (end.gas_used, end.error, end.output) == (0, None, b"")
    assert watched.tracer.steps == []
    assert watched.world.balance(BOB) == 5


def test_instructions_come_with_the_gas_before_them_and_what_they_take() -> None:
    watched = watch({CONTRACT: contract(STORE_ONE)}, to=CONTRACT)
    assert watched.tracer.instructions() == [
        (0, "PUSH1", GAS, 3),
        (2, "PUSH0", GAS - 3, 2),
        (3, "SSTORE", GAS - 5, 22_100),
        (4, "STOP", GAS - 22_105, 0),
    ]
    assert [step.stack for step in watched.tracer.steps] == [[], [1], [1, 0], []]
    assert {step.address for step in watched.tracer.steps} == {CONTRACT}
    assert {step.depth for step in watched.tracer.steps} == {1}


def test_the_refund_of_a_store_is_told_with_it() -> None:
    # sstore(0, 0) where 7 was, then sstore(0, 7) again
    watched = watch({CONTRACT: contract(CLEAR_SLOT + bytes.fromhex("60075f55"), storage={0: 7})}, to=CONTRACT)
    refunds = [step.refund for step in watched.tracer.steps if step.opcode == 0x55]
    # 4,800 for the cleared slot; back again it goes, and 5,000 - 2,100 - 100 come for the word that is as it was
    assert refunds == [4_800, 2_800]
    assert watched.result.gas_refund == 2_800


def test_memory_is_seen_as_it_is_before_the_instruction() -> None:
    watched = watch({CONTRACT: contract("60ff60205200")}, to=CONTRACT)
    assert [len(memory) for memory in watched.tracer.memories] == [0, 0, 0, 64]
    # 3 for the instruction and 3 for each of two words
    assert watched.tracer.steps[2].gas_cost == 9
    assert watched.tracer.memories[3] == bytes(63) + b"\xff"


@pytest.mark.parametrize("opcode", ["f1", "f2", "f4", "fa"])
def test_a_call_is_a_message_of_its_kind(opcode: str) -> None:
    accounts = {CONTRACT: contract(calling(opcode, OTHER_CONTRACT)), OTHER_CONTRACT: contract("00")}
    (_, _), (start, end) = watch(accounts, to=CONTRACT, value=9).tracer.frames
    assert (start.depth, start.opcode, start.sender, start.to) == (1, int(opcode, 16), CONTRACT, OTHER_CONTRACT)
    # A DELEGATECALL has the value of its caller's message, a STATICCALL none.
    assert start.value == {CALL: 0, 0xF2: 0, DELEGATECALL: 9, STATICCALL: None}[start.opcode]
    assert (start.data, end.gas_used, end.error) == (bytes(4), 0, None)


def test_the_cost_of_a_call_has_the_gas_that_it_hands_on() -> None:
    watched = watch({CONTRACT: contract(calling("f1", OTHER_CONTRACT)), OTHER_CONTRACT: contract("00")}, to=CONTRACT)
    step = next(step for step in watched.tracer.steps if step.opcode == CALL)
    (_, _), (start, _) = watched.tracer.frames
    own = 2_600 + 3  # a cold account, one word of memory
    available = step.gas - own
    assert start.gas == available - available // 64
    assert step.gas_cost == own + start.gas


def test_a_call_of_a_delegated_account_pays_for_both_and_names_the_account() -> None:
    accounts = {
        CONTRACT: contract(calling("fa", BOB)),
        BOB: contract(delegation_to(OTHER_CONTRACT)),
        OTHER_CONTRACT: contract("00"),
    }
    watched = watch(accounts, to=CONTRACT)
    step = next(step for step in watched.tracer.steps if step.opcode == STATICCALL)
    (_, _), (start, _) = watched.tracer.frames
    assert start.to == BOB
    assert step.gas_cost == 2 * 2_600 + 3 + start.gas


def test_precompiled_contracts_are_messages_too() -> None:
    identity = (4).to_bytes(20, "big")
    (_, _), (start, end) = watch({CONTRACT: contract(calling("fa", identity))}, to=CONTRACT).tracer.frames
    assert (start.to, end.output, end.gas_used) == (identity, bytes(4), 18)


def test_a_call_beyond_the_balance_is_a_message_that_failed_at_once() -> None:
    watched = watch({CONTRACT: contract(calling("f1", OTHER_CONTRACT, value=5), balance=4)}, to=CONTRACT)
    (_, top), (start, end) = watched.tracer.frames
    assert (start.opcode, start.to, start.value, start.data) == (CALL, OTHER_CONTRACT, 5, bytes(4))
    assert (end.error, end.gas_used, end.reverted) == ("insufficient balance for transfer", 0, False)
    assert top.error is None


def test_calls_end_at_a_depth_of_1024() -> None:
    # calls itself with all its gas
    forever = contract("5f5f5f5f5f305af1")
    outline = watch({CONTRACT: forever}, to=CONTRACT, gas=10**13).tracer.outline()
    assert len(outline) == 1_026
    assert outline[-1] == (1_025, "CALL", "max call depth exceeded")
    assert {error for _, _, error in outline[:-1]} == {None}


@pytest.mark.parametrize("opcode", ["f0", "f5"])
def test_a_creation_is_a_message_with_its_init_code(opcode: str) -> None:
    init_code = bytes.fromhex("60015ff3")  # returns one zero byte
    watched = watch({CONTRACT: contract(creating(init_code, opcode), balance=10)}, to=CONTRACT)
    (_, _), (start, end) = watched.tracer.frames
    by_salt = keccak256(b"\xff" + CONTRACT + (7).to_bytes(32, "big") + keccak256(init_code))[12:]
    created = contract_address(CONTRACT, 1) if opcode == "f0" else by_salt
    assert (start.opcode, start.sender, start.to, start.data) == (int(opcode, 16), CONTRACT, created, init_code)
    # PUSH1, PUSH0, a word of memory, and 200 for the byte of code
    assert (end.output, end.error, end.gas_used) == (b"\0", None, 3 + 2 + 3 + 200)
    step = next(step for step in watched.tracer.steps if step.opcode == int(opcode, 16))
    assert step.gas_cost == 32_000 + 2 + (6 if opcode == "f5" else 0)


@pytest.mark.parametrize("opcode", ["f0", "f5"])
def test_creations_that_cannot_begin_are_told_of(opcode: str) -> None:
    init_code = bytes.fromhex("60015ff3")
    poor = watch({CONTRACT: contract(creating(init_code, opcode, value=1))}, to=CONTRACT).tracer
    (_, _), (start, end) = poor.frames
    assert (end.error, end.gas_used) == ("insufficient balance for transfer", 0)
    left = next(step.gas - step.gas_cost for step in poor.steps if step.opcode == int(opcode, 16))
    assert start.gas == left - left // 64
    taken = {CONTRACT: contract(creating(init_code, opcode)), start.to: contract("00")}
    collided = watch(taken, to=CONTRACT).tracer
    (_, _), (start, end) = collided.frames
    assert (end.error, end.gas_used) == ("contract address collision", start.gas)


def test_the_transactions_own_creation_collides_too() -> None:
    taken = contract_address(ALICE, 0)
    ((start, end),) = watch({taken: contract("00")}, to=None, data=b"\x00").tracer.frames
    assert (start.opcode, start.to, end.error, end.gas_used) == (CREATE, taken, "contract address collision", GAS)


def test_a_self_destruct_is_a_message_from_the_contract_to_its_heir() -> None:
    watched = watch({CONTRACT: contract(bytes.fromhex("73") + BOB + b"\xff", balance=70)}, to=CONTRACT)
    (_, _), (start, end) = watched.tracer.frames
    assert (start.depth, start.opcode, start.sender, start.to) == (1, SELFDESTRUCT, CONTRACT, BOB)
    assert (start.value, start.gas, start.data, end.gas_used) == (70, 0, b"", 0)


def test_logs_are_told_as_they_are_written_even_where_they_are_taken_back() -> None:
    watched = watch({CONTRACT: contract(LOG_AND_STOP + bytes.fromhex("5f5ffd"))}, to=CONTRACT)
    assert [(log.address, log.topics) for log in watched.tracer.logs] == [(CONTRACT, ((255).to_bytes(32, "big"),))]
    assert watched.world.logs() == ()
    assert watched.tracer.frames[0][1].reverted


MAXIMUM = "7f" + "ff" * 32
ERRORS = {
    "01": "stack underflow (0 <=> 2)",
    "5f5f5f5f55": None,
    "5b5f5f56": "stack limit reached 1024 (1023)",
    "5b5f56": "out of gas",
    "fe": "invalid opcode: INVALID",
    "0c": "invalid opcode: opcode 0xc not defined",
    "5f56": "invalid jump destination",
    "60015f5f3e": "return data out of bounds",
    MAXIMUM + "51": "gas uint64 overflow",
    "641fffffffe051": "out of gas: gas uint64 overflow",
    "6301ffffff51": "out of gas",
    "5f5ffd": "execution reverted",
    "6200c0015f5ff0": "out of gas: max initcode size exceeded: code size 49153 limit 49152",
}


@pytest.mark.parametrize("code", ERRORS)
def test_failures_are_in_geths_words(code: str) -> None:
    watched = watch({CONTRACT: contract(code)}, to=CONTRACT, gas=600_000)
    assert watched.tracer.outline() == [(0, "CALL", ERRORS[code])]
    assert watched.result.error == ERRORS[code]


@pytest.mark.parametrize(
    ("gas", "error"),
    [(2_305, "out of gas: not enough gas for reentrancy sentry"), (2_400, "out of gas"), (4, "out of gas")],
)
def test_a_store_with_little_gas_says_how_little(gas: int, error: str) -> None:
    watched = watch({CONTRACT: contract(STORE_ONE)}, to=CONTRACT, gas=gas)
    assert watched.tracer.frames[0][1].error == error
    assert watched.tracer.steps[-1].error == error


def test_writing_in_a_static_call_is_a_write_protection() -> None:
    accounts = {CONTRACT: contract(calling("fa", OTHER_CONTRACT)), OTHER_CONTRACT: contract(STORE_ONE)}
    tracer = watch(accounts, to=CONTRACT).tracer
    assert tracer.outline() == [(0, "CALL", None), (1, "STATICCALL", "write protection")]
    # It is the instruction that fails, not its stack or its gas.
    assert tracer.steps[-2].error is None


@pytest.mark.parametrize(
    ("init_code", "gas", "error"),
    [
        ("60ef5f5360015ff3", 100_000, "invalid code: must not begin with 0xef"),
        ("6160015ff3", 10_000_000, "max code size exceeded"),
        ("6160015ff3", 100_000, "contract creation code storage out of gas"),
        ("60645ff3", 10_000, "contract creation code storage out of gas"),
    ],
)
def test_what_cannot_become_code_says_why(init_code: str, gas: int, error: str) -> None:
    watched = watch({}, to=None, data=bytes.fromhex(init_code), gas=gas)
    assert watched.tracer.outline() == [(0, "CREATE", error)]
    assert watched.result.gas_left == 0


def test_instructions_of_later_revisions_are_named_and_invalid() -> None:
    tracer = KeepingTracer()
    result, _ = run({CONTRACT: contract("5f")}, tracer, Revision.PARIS, to=CONTRACT)
    assert result.error == "invalid opcode: PUSH0"


def test_a_tracer_ends_an_execution_by_raising() -> None:
    class Enough(Exception):
        pass

    class Impatient(KeepingTracer):
        def checkpoint(self) -> None:
            super().checkpoint()
            if self.checkpoints > 3:
                raise Enough

    impatient = Impatient(wants_steps=False)
    with pytest.raises(Enough):
        run({CONTRACT: contract("5b5f56")}, impatient, to=CONTRACT, gas=10**12)
    assert impatient.steps == []


# Instructions that do something with little on the stack, so that random code gets somewhere.
_USEFUL = [*range(0x0C), *range(0x10, 0x1E), 0x20, *range(0x30, 0x4B), *range(0x50, 0x60), 0x80, 0x81, 0x90, 0xA0]
_ENDING = [0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xFA, 0xFD, 0xFE, 0xFF]
random_code = st.lists(
    st.one_of(
        st.sampled_from(_USEFUL).map(lambda opcode: bytes([opcode])),
        st.sampled_from(_ENDING).map(lambda opcode: bytes([opcode])),
        st.binary(min_size=1, max_size=1).map(lambda word: b"\x60" + word),
        st.sampled_from([CONTRACT, OTHER_CONTRACT, BOB, NOBODY]).map(lambda address: b"\x73" + address),
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=150)
@given(random_code, random_code, st.integers(0, 200_000), st.sampled_from([Revision.PARIS, Revision.PRAGUE]))
def test_a_tracer_changes_nothing_and_tells_the_gas_that_is_charged(
    code: bytes, other: bytes, gas: int, revision: Revision
) -> None:
    accounts = {
        CONTRACT: contract(code, balance=3),
        OTHER_CONTRACT: contract(other),
        BOB: contract(delegation_to(CONTRACT)),
    }
    tracer = KeepingTracer()
    traced, traced_world = run(accounts, tracer, revision, to=CONTRACT, gas=gas, data=bytes(range(64)))
    plain, plain_world = run(accounts, None, revision, to=CONTRACT, gas=gas, data=bytes(range(64)))
    assert (traced.gas_left, traced.gas_refund, traced.output) == (plain.gas_left, plain.gas_refund, plain.output)
    assert (traced.error is None, traced.reverted) == (plain.error is None, plain.reverted)
    assert traced_world.commit().state_root == plain_world.commit().state_root
    for step, following in zip(tracer.steps, tracer.steps[1:], strict=False):
        if following.depth == step.depth and step.opcode not in _ENDING and step.error is None:
            assert following.gas == step.gas - step.gas_cost


def test_a_deposit_that_fails_before_its_message_is_told_of() -> None:
    chain, tracer = SmallChain(), KeepingTracer()
    outcome = chain.execution.apply(deposit(value=ETHER), tracer)
    ((start, end),) = tracer.frames
    assert (start.opcode, start.sender, start.to, start.value) == (CALL, NOBODY, BOB, ETHER)
    assert outcome.error is not None
    assert (end.error, end.gas_used) == (outcome.error, 100_000)


def test_system_calls_and_later_transactions_are_not_watched() -> None:
    chain, tracer = SmallChain(), KeepingTracer()
    chain.execution.apply(transaction(value=1), tracer)
    chain.execution.apply(transaction(value=1, nonce=1))
    chain.execution.seal()
    assert len(tracer.frames) == 1


def test_the_attestation_of_a_traced_transaction_is_seen_by_contracts() -> None:
    made = call()
    chain, tracer = AttestedChain(), KeepingTracer()
    outcome = chain.execution.apply(sent(made, by_account(made)), tracer)
    assert outcome.error is None
    (_, _), (start, end) = tracer.frames
    assert (start.opcode, start.sender, start.to) == (STATICCALL, READER, ATTESTATION_CONTEXT)
    assert int.from_bytes(end.output[:32], "big") == 3
    assert any(step.opcode == 0x5C for step in tracer.steps)
