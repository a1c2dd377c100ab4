"""Every instruction that computes, on words at the edges of its range."""

from collections.abc import Iterator, Sequence
from itertools import product

from cast import CHAIN_ID, FEE_RECIPIENT, SENDERS
from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import op, push
from scenarios import BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.state.genesis import GenesisAccount

EDGES = (0, 1, 2, 7, 31, 32, 255, 256, 2**128 + 0x80, 2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1)
FEW_EDGES = (0, 1, 3, 2**255, 2**256 - 1)

_UNARY = (Ops.ISZERO, Ops.NOT)
_TERNARY = (Ops.ADDMOD, Ops.MULMOD)
_BINARY = tuple(operation for operation in Ops if 0 < operation.value < 0x20 and operation not in (*_UNARY, *_TERNARY))

_MIX_IN = op(Ops.PUSH0, Ops.MSTORE) + push(64) + op(Ops.PUSH0, Ops.KECCAK) + push(32) + op(Ops.MSTORE)
"""Memory's second word becomes the hash of the word on the stack and of itself."""

_LOG_HASH = push(32) + op(Ops.MLOAD, Ops.PUSH0, Ops.PUSH0, Ops.LOG1)


def arithmetic_at_the_edges() -> Scenario:
    """Return a block with a transaction for each instruction, whose log is the hash of all its results."""
    codes = [_evaluate(operation, operands) for operation, operands in _evaluations()]
    addresses = [bytes([0xA0]) * 19 + bytes([index]) for index in range(len(codes))]
    contracts = {address: GenesisAccount(nonce=1, code=code) for address, code in zip(addresses, codes, strict=True)}
    transactions = tuple(TransactionPlan(2, 0, address, gas=400_000, chain_id=CHAIN_ID) for address in addresses)
    accounts = L1_SYSTEM_CONTRACTS | {SENDERS[0]: GenesisAccount(10**20)} | contracts
    return Scenario(accounts, (BlockPlan(transactions, FEE_RECIPIENT),), gas_limit=60_000_000)


def _evaluations() -> Iterator[tuple[Ops, Sequence[tuple[int, ...]]]]:
    for operation in _UNARY:
        yield operation, [(word,) for word in EDGES]
    for operation in _BINARY:
        yield operation, list(product(EDGES, repeat=2))
    for operation in _TERNARY:
        yield operation, list(product(FEW_EDGES, repeat=3))


def _evaluate(operation: Ops, operands: Sequence[tuple[int, ...]]) -> bytes:
    pieces = (b"".join(map(push, words)) + op(operation) + _MIX_IN for words in operands)
    return b"".join(pieces) + _LOG_HASH
