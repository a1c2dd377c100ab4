"""What phal2 replaces in py-evm: instructions, jump destinations, creations, and the depth of calls."""

import threading
from typing import Any

import pytest
from eth.vm import opcode_values
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES
from hypothesis import given
from hypothesis import strategies as st
from small_chain import (
    ALICE,
    BOB,
    CONTRACT,
    ETHER,
    OTHER_CONTRACT,
    STORE_ONE,
    SmallChain,
    return_word_of,
    transaction,
)
from test_state_calls import call

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.addresses import contract_address
from phal2.node.state.call import CallRequest, CallResult, execute_call
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.py_evm_computation import computation_class
from phal2.node.state.py_evm_instructions import fast_instructions, jump_destinations
from phal2.node.state.py_evm_opcodes import opcode_functions
from phal2.node.state.rules import Revision

interesting_words = st.one_of(
    st.integers(0, 260),
    st.sampled_from([2**255 - 1, 2**255, 2**255 + 1, 2**256 - 1, 2**256 - 2, 2**128, 2**64]),
    st.integers(0, 2**256 - 1),
)
ARITHMETIC = [
    *range(opcode_values.ADD, opcode_values.SMOD + 1),
    opcode_values.SIGNEXTEND,
    *range(opcode_values.LT, opcode_values.SAR + 1),
]


def computation(words: list[Any], code: bytes = b"\x00", gas: int = 1_000) -> Any:
    class Message:
        data = bytes(range(40))
        data_as_bytes = data
        is_static = False

    Message.code = code
    Message.gas = gas
    made = computation_class(opcode_functions(Revision.PRAGUE), {})(None, Message, None)
    made.words.extend(words)
    return made


def outcome(function: Any, made: Any) -> tuple[Any, ...]:
    try:
        function(made)
    except Exception as error:
        return (type(error),)
    stack = [int.from_bytes(word, "big") if isinstance(word, bytes) else word for word in made.words]
    return stack, made._gas_meter.gas_remaining, bytes(made._memory._bytes)


@given(st.sampled_from(ARITHMETIC), st.lists(interesting_words, max_size=3), st.booleans())
def test_arithmetic_is_py_evms(opcode: int, words: list[int], as_bytes: bool) -> None:
    stack: list[Any] = [word.to_bytes(32, "big") for word in words] if as_bytes else words
    fast = outcome(fast_instructions()[opcode], computation(stack))
    assert fast == outcome(PRAGUE_OPCODES[opcode], computation(stack))


OTHERS = [0x35, 0x50, 0x51, 0x52, *range(0x60, 0x80), *range(0x80, 0xA0)]


@given(st.sampled_from(OTHERS), st.lists(st.integers(0, 70), max_size=17), st.integers(0, 12))
def test_stack_and_memory_are_py_evms(opcode: int, words: list[int], gas: int) -> None:
    code = bytes(range(1, 40))
    fast = outcome(fast_instructions()[opcode], computation(words, code, gas))
    assert fast == outcome(PRAGUE_OPCODES[opcode], computation(words, code, gas))


def test_pushes_and_duplicates_stop_at_1024_words() -> None:
    for opcode in (0x60, 0x80, 0x58):
        full = [0] * 1_024
        assert outcome(fast_instructions()[opcode], computation(full))[0].__name__ == "FullStack"


@given(st.lists(st.sampled_from([0x5B, 0x5F, 0x60, 0x61, 0x7F, 0x00]), max_size=120).map(bytes))
def test_jump_destinations_are_those_of_a_plain_scan(code: bytes) -> None:
    expected, position = set(), 0
    while position < len(code):
        if code[position] == 0x5B:
            expected.add(position)
        position += code[position] - 0x5F + 1 if 0x60 <= code[position] <= 0x7F else 1
    assert jump_destinations(code) == expected


def test_a_jump_into_data_is_refused_whatever_the_code_before_it() -> None:
    code = bytes([0x60]) * 24_000 + b"\x5b"
    assert jump_destinations(code) == {24_000}
    assert jump_destinations(b"\x60" + code) == frozenset()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("600456", "invalid jump destination"),
        ("60035760", "stack underflow"),
        ("01", "stack underflow"),
        ("0c", "invalid opcode: opcode 0xc not defined"),
        ("5f5f5f5ff3", None),
        ("60016001", None),
        ("61", None),  # a PUSH that the code ends within
        ("5b5f56", "out of gas"),
        ("5f60203e", "stack underflow"),
        ("60015f5f3e", "return data out of bounds"),
        ("5860005260206000f3", None),
    ],
)
def test_code_ends_as_geth_says(code: str, error: str | None) -> None:
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=bytes.fromhex(code))})
    assert call(chain, gas_limit=100_000).error == error


def test_a_static_call_cannot_write() -> None:
    # staticcall(gas, OTHER_CONTRACT) and return whether it succeeded
    code = return_word_of("5f5f5f5f73" + OTHER_CONTRACT.hex() + "5afa")
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=code), OTHER_CONTRACT: GenesisAccount(code=STORE_ONE)})
    assert int.from_bytes(call(chain).return_data, "big") == 0


def deep_calls() -> CallResult:
    calls_itself = bytes.fromhex("5f5f5f5f5f305af1" + "5f5260205ff3")
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=calls_itself)})
    return call(chain, gas_limit=10**12)


def test_calls_nest_1024_deep_even_on_a_small_thread() -> None:
    results: list[CallResult] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: results.append(deep_calls()))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    (result,) = results
    assert result.succeeded
    # 1,025 frames of about 150 gas each; the innermost call is refused without a frame.
    assert result.gas_used > 21_000 + 1_024 * 120


def test_creations_nest_deep() -> None:
    # create(0, 0, codesize) of its own code
    creates_itself = bytes.fromhex("385f5f39385f5ff000")
    chain = SmallChain()
    result = call(chain, to=None, data=creates_itself, gas_limit=10**11, tells_accessed=True)
    assert result.succeeded
    assert len(result.accessed[0]) > 500


def test_nested_init_code_above_the_limit_fails_its_creator() -> None:
    # create(value=1, offset 0, size 49,153) without the balance for it: the length is judged first
    code = bytes.fromhex("61c0015f6001f000")
    chain = SmallChain(accounts={CONTRACT: GenesisAccount(code=code)})
    result = call(chain, gas_limit=1_000_000)
    assert (result.error, result.gas_used) == ("out of gas", 1_000_000)


def test_a_delegated_sender_pays_for_nested_init_code_once() -> None:
    # create(0, 0, 64) through a contract of its own, and through the sender's delegation
    code = bytes.fromhex("60405f5ff000")
    direct = SmallChain(accounts={CONTRACT: GenesisAccount(nonce=1, code=code)})
    delegated = SmallChain(
        accounts={
            CONTRACT: GenesisAccount(nonce=1, code=code),
            ALICE: GenesisAccount(ETHER, code=delegation_to(CONTRACT)),
        }
    )
    plain = direct.execution.apply(transaction(to=CONTRACT))
    by_itself = delegated.execution.apply(transaction(to=ALICE))
    # The delegation is warmed for free where the transaction begins.
    assert by_itself.gas_used == plain.gas_used
    assert delegated.state.exists(contract_address(ALICE, 1))


def test_a_contract_destroyed_in_a_later_transaction_of_the_block_stays() -> None:
    chain = SmallChain()
    # returns code that destroys itself in favour of its caller: 33ff
    init_code = bytes.fromhex("6133ff5f526002601ef3")
    created = contract_address(ALICE, 0)
    chain.execution.apply(transaction(to=None, data=init_code, value=5))
    assert chain.execution.apply(transaction(nonce=1, to=created)).receipt.status == 1
    assert chain.state.code(created) == bytes.fromhex("33ff")
    assert chain.state.balance(created) == 0


def test_block_hashes_reach_256_blocks_back() -> None:
    class Hashes:
        def block_hash(self, number: int) -> bytes:
            return number.to_bytes(32, "big")

    asks_for_word = GenesisAccount(code=return_word_of("5f3540"))
    chain = SmallChain(accounts={CONTRACT: asks_for_word}, environment={"number": 1_000})
    for asked, expected in ((999, 999), (744, 744), (743, 0), (1_000, 0), (2**256 - 1, 0)):
        request = CallRequest(BOB, CONTRACT, data=asked.to_bytes(32, "big"))
        result = execute_call(
            chain.rules,
            chain.block_environment,
            chain.database,
            chain.state_root,
            Hashes(),
            request,
            QuoteVerdicts(),
        )
        assert int.from_bytes(result.return_data, "big") == expected
