"""Compiled segments against the single instructions they stand for."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_chain import CONTRACT, ETHER, L1, SmallChain, transaction

from phal2.node.state import py_evm_segments
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.outcomes import TransactionOutcome
from phal2.node.state.py_evm import _computation_of
from phal2.node.state.py_evm_segment_source import EXPRESSIONS, LONGEST_SEGMENT, segment_source

GAS_LIMIT = 200_000
RETURN_TOP = bytes.fromhex("5f5260205ff3")
RETURN_MEMORY = bytes.fromhex("60a05ff3")
STORE_TOP_AND_GAS = bytes.fromhex("5a90555f5ff3")  # sstore(gas(), top), return nothing

words = st.one_of(
    st.integers(0, 300), st.sampled_from([0, 1, 2**255, 2**256 - 1, 2**64, 31, 32]), st.integers(0, 2**256 - 1)
)
CALL_DATA = bytes(range(1, 9))


def push(word: int) -> bytes:
    size = max(1, (word.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + word.to_bytes(size, "big")


def run(code: bytes, gas_limit: int = GAS_LIMIT) -> tuple[TransactionOutcome, bytes, object]:
    """Execute the code once on a chain of its own; return what it did, the state root, and what it read of the state.

    What is read must not depend on how the code is run, as a witness has what its maker's engine read.
    """
    accounts = {CONTRACT: GenesisAccount(balance=ETHER, code=code, storage={0: 5, 1: 2**256 - 1})}
    chain = SmallChain(L1, accounts)
    outcome = chain.execution.apply(transaction(rules=L1, to=CONTRACT, gas_limit=gas_limit, data=CALL_DATA, value=7))
    loaded = chain.execution.state.loaded()
    return outcome, chain.execution.seal().block.header.state_root, loaded


def run_both(monkeypatch: pytest.MonkeyPatch, code: bytes, gas_limit: int = GAS_LIMIT) -> tuple[object, object]:
    """Execute the code instruction by instruction, and with every segment compiled at its first visit."""
    results = []
    for runs_before, visits_before in ((2**62, 2**62), (1, 1)):
        _computation_of.cache_clear()
        monkeypatch.setattr(py_evm_segments, "BUSY_AFTER_RUNS", runs_before)
        monkeypatch.setattr(py_evm_segments, "COMPILED_AFTER_VISITS", visits_before)
        outcome, state_root, loaded = run(code, gas_limit)
        failed = outcome.error is not None
        results.append((failed, outcome.gas_used, outcome.return_data, outcome.receipt.logs, state_root, loaded))
    _computation_of.cache_clear()
    return results[0], results[1]


@pytest.mark.parametrize("opcode", sorted(EXPRESSIONS), ids=hex)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_each_expression_gives_what_its_instruction_gives(opcode: int, data: st.DataObject) -> None:
    operands = EXPRESSIONS[opcode][1]
    small = st.integers(0, 200) if opcode == 0x20 else words
    code = b"".join(push(data.draw(small)) for _ in range(operands)) + bytes([opcode]) + RETURN_TOP

    with pytest.MonkeyPatch.context() as monkeypatch:
        one_by_one, compiled = run_both(monkeypatch, code)

    assert compiled == one_by_one


INSTRUCTIONS = st.one_of(
    words.map(push),
    st.sampled_from(sorted(EXPRESSIONS)).map(lambda opcode: bytes([opcode])),
    st.integers(0x80, 0x9F).map(lambda opcode: bytes([opcode])),
    st.sampled_from([0x50, 0x58, 0x5B, 0x51, 0x52, 0x53, 0x5F]).map(lambda opcode: bytes([opcode])),
    st.sampled_from([0x5A, 0x59, 0x55, 0x32, 0x42, 0xA0, 0xA2]).map(lambda opcode: bytes([opcode])),
    st.integers(0, 160).map(lambda offset: push(offset) + b"\x51"),
    st.integers(0, 160).map(lambda offset: push(offset) + b"\x52"),
    # A jump forward over one byte that is no instruction, and one that is taken if the top of the stack says so.
    st.just(b"\x58\x60\x05\x01\x56\xfe\x5b"),
    st.just(b"\x58\x60\x05\x01\x57\x58\x5b"),
    st.sampled_from([b"\x56", b"\x57", b"\x60\x00\x57", b"\x60\x02\x56"]),
)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(words, min_size=4, max_size=8),
    st.lists(INSTRUCTIONS, max_size=60),
    st.sampled_from([RETURN_TOP, RETURN_MEMORY, STORE_TOP_AND_GAS, b""]),
    st.sampled_from([GAS_LIMIT, 23_000, 25_000, 30_000]),
)
@example([1, 2, 3, 4], [b"\x5b", b"\x60\x01", b"\x60\x0c", b"\x57"], b"", 23_000)
def test_programs_end_the_same_either_way(stack: list[int], program: list[bytes], end: bytes, gas_limit: int) -> None:
    code = b"".join(map(push, stack)) + b"".join(program) + end

    with pytest.MonkeyPatch.context() as monkeypatch:
        one_by_one, compiled = run_both(monkeypatch, code, gas_limit)

    assert compiled == one_by_one


@pytest.mark.parametrize("gas_limit", range(21_320, 22_600, 37))
def test_gas_runs_out_at_the_same_limit(monkeypatch: pytest.MonkeyPatch, gas_limit: int) -> None:
    # Counts down from 10 in a loop.
    loop = bytes.fromhex("600a5b600190038060025700")

    one_by_one, compiled = run_both(monkeypatch, loop, gas_limit)

    assert compiled == one_by_one


@pytest.mark.parametrize("end", [b"\x80" * 40 + b"\x00", b"\x50\x50\x00", b"\x58" * 1_024, b"\x56"], ids=len)
@pytest.mark.parametrize("gas_limit", [21_320, *range(23_225, 23_400, 13), GAS_LIMIT])
def test_a_word_is_read_whatever_fails_behind_it(monkeypatch: pytest.MonkeyPatch, end: bytes, gas_limit: int) -> None:
    one_by_one, compiled = run_both(monkeypatch, b"\x60\x01\x54" + end, gas_limit)

    assert compiled == one_by_one


@pytest.mark.parametrize("height", [1_020, 1_022, 1_023, 1_024, 1_025])
def test_the_stack_is_full_at_the_same_height(monkeypatch: pytest.MonkeyPatch, height: int) -> None:
    one_by_one, compiled = run_both(monkeypatch, b"\x58" * height + b"\x50\x50\x00")

    assert compiled == one_by_one


def test_a_constant_jump_is_followed_within_a_segment() -> None:
    one_and_two_added = bytes.fromhex("6001600656fe5b600201") + bytes(33)

    source = segment_source(one_and_two_added, 0, frozenset({6}))

    assert source is not None
    assert "1 + 2" in source or "2 + 1" in source


def test_a_segment_has_a_bounded_length() -> None:
    source = segment_source(b"\x58" * 5_000 + bytes(33), 0, frozenset())

    assert source is not None
    assert f"program_counter = {LONGEST_SEGMENT}" in source


def test_an_instruction_that_needs_the_engine_is_no_segment() -> None:
    assert segment_source(b"\xf1" + bytes(33), 0, frozenset()) is None


def test_what_is_compiled_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py_evm_segments, "BUSY_AFTER_RUNS", 1)
    monkeypatch.setattr(py_evm_segments, "_MOST_CODES", 10)
    codes = py_evm_segments.BusyCodes(())

    for number in range(100):
        codes.segments(push(number), push(number) + bytes(33))

    assert len(codes._tables) <= 10
