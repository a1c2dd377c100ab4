"""Many calls in one."""

import pytest
from contract_chain import Chain, Contract

CALLER = b"\x01" * 20
# Answers with the word 5; reverts with the word 5; answers with the value it got.
FIVE, REVERTING, VALUE = b"\x05" * 20, b"\x06" * 20, b"\x07" * 20
WORD = (5).to_bytes(32, "big")


@pytest.fixture
def multicall(chain: Chain) -> Contract:
    chain.state.set_code(FIVE, bytes.fromhex("60055f5260205ff3"))
    chain.state.set_code(REVERTING, bytes.fromhex("60055f5260205ffd"))
    chain.state.set_code(VALUE, bytes.fromhex("345f5260205ff3"))
    chain.state.set_balance(CALLER, 100)
    return chain.deploy("Multicall3", sender=CALLER)


def results(contract: Contract, function: str, *arguments: object, value: int = 0) -> object:
    outcome = contract.transact(function, *arguments, sender=CALLER, value=value)
    return contract.result(function, outcome)


def test_calls_that_must_all_succeed(multicall: Contract) -> None:
    assert results(multicall, "aggregate", [(FIVE, b""), (VALUE, b"")]) == (1, (WORD, bytes(32)))
    refusal = multicall.refuse("aggregate", [(FIVE, b""), (REVERTING, b"")], sender=CALLER)
    assert refusal == "Multicall3: call failed"


def test_calls_that_may_fail_one_by_one(multicall: Contract) -> None:
    calls = [(FIVE, False, b""), (REVERTING, True, b"")]
    assert results(multicall, "aggregate3", calls) == ((True, WORD), (False, WORD))
    refusal = multicall.refuse("aggregate3", [(REVERTING, False, b"")], sender=CALLER)
    assert refusal == "Multicall3: call failed"


def test_calls_with_ether(multicall: Contract) -> None:
    calls = [(VALUE, False, 3, b""), (VALUE, False, 4, b"")]
    sent = results(multicall, "aggregate3Value", calls, value=7)
    assert sent == ((True, (3).to_bytes(32, "big")), (True, (4).to_bytes(32, "big")))
    refusal = multicall.refuse("aggregate3Value", calls, sender=CALLER, value=8)
    assert refusal == "Multicall3: value mismatch"


def test_values_that_would_wrap_around_are_refused(multicall: Contract) -> None:
    calls = [(VALUE, True, 2**256 - 1, b""), (VALUE, True, 8, b"")]
    refusal = multicall.refuse("aggregate3Value", calls, sender=CALLER, value=7)
    assert refusal == "panic 0x11: arithmetic overflow or underflow"


def test_all_may_fail_or_none(multicall: Contract) -> None:
    calls = [(FIVE, b""), (REVERTING, b"")]
    both = ((True, WORD), (False, WORD))
    assert results(multicall, "tryAggregate", False, calls) == both
    assert results(multicall, "tryBlockAndAggregate", False, calls) == (1, bytes(32), both)
    for call in (("tryAggregate", True), ("tryBlockAndAggregate", True), ("blockAndAggregate",)):
        name, *arguments = call
        refusal = multicall.refuse(str(name), *arguments, calls, sender=CALLER)
        assert refusal == "Multicall3: call failed"
    assert results(multicall, "blockAndAggregate", [(FIVE, b"")]) == (1, bytes(32), ((True, WORD),))


def test_what_it_says_of_the_block(multicall: Contract) -> None:
    chain = multicall.chain
    chain.block_number = 50
    chain.base_fee = 7
    views = {
        "getBlockNumber": 50,
        "getCurrentBlockTimestamp": chain.time,
        "getCurrentBlockGasLimit": 30_000_000,
        "getCurrentBlockCoinbase": bytes(20),
        "getCurrentBlockDifficulty": 0,
        "getBasefee": 7,
        "getChainId": chain.chain_id,
        "getLastBlockHash": chain.block_hash(49),
    }
    assert {view: multicall.read(view) for view in views} == views
    assert multicall.read("getBlockHash", 30) == chain.block_hash(30)
    assert multicall.read("getEthBalance", CALLER) == 100
