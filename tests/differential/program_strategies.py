"""Strategies for EVM programs: statements that do something worth comparing, now and then random bytes.

Statements leave the stack as they found it, unless their author is chance. What they compute goes to storage,
memory or logs, so that a difference is seen in the state root, and in the gas anyway.
"""

from cast import ADDRESSES, CONTRACTS, PRECOMPILES, SENDERS, WATCHED
from ethereum.forks.prague.vm.instructions import Ops
from evm_assembly import deployment, op, push, repeat, store_in_memory, when
from hypothesis import strategies as st

LITERALS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 31, 32, 255, 256, 2**64 - 1, 2**128, 2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1]),
    st.integers(0, 2**256 - 1),
)
SLOTS = st.sampled_from([0, 0, 1, 1, 2, 3, 2**256 - 1])
STORED_WORDS = st.sampled_from([0, 0, 1, 2, 2**256 - 1])
# What costs more than there is, or fails otherwise, ends a program: it is rarer than what does not.
OFFSETS = st.sampled_from([0, 0, 0, 1, 31, 32, 33, 64, 100, 1_000] * 3 + [30_000, 2**32, 2**255, 2**256 - 1])
SIZES = st.sampled_from([0, 0, 1, 31, 32, 32, 33, 64, 96, 200] * 3 + [5_000, 2**32, 2**256 - 1])
SMALL_OFFSETS = st.sampled_from([0, 0, 1, 31, 32, 64, 100])
SMALL_SIZES = st.sampled_from([0, 1, 31, 32, 33, 64, 128])
CALL_GAS = st.one_of(
    st.just(op(Ops.GAS)), st.sampled_from([0, 1, 700, 2_300, 2_600, 9_000, 30_000, 60_000, 2**256 - 1]).map(push)
)
CALL_VALUES = st.one_of(
    st.sampled_from([0, 0, 0, 1, 1, 7, 10**18, 2**256 - 1]).map(push),
    st.just(op(Ops.SELFBALANCE)),
    st.just(op(Ops.CALLVALUE)),
)

ADDRESS_WORDS = st.one_of(
    st.sampled_from(ADDRESSES).map(push),
    st.sampled_from(CONTRACTS).map(push),
    st.sampled_from([Ops.ADDRESS, Ops.CALLER, Ops.ORIGIN, Ops.COINBASE]).map(op),
    # The upper twelve bytes of an address on the stack do not matter.
    st.sampled_from(ADDRESSES).map(lambda address: push(b"\xff" * 12 + address)),
)

_SOURCES = [
    Ops.ADDRESS,
    Ops.ORIGIN,
    Ops.CALLER,
    Ops.CALLVALUE,
    Ops.CALLDATASIZE,
    Ops.CODESIZE,
    Ops.GASPRICE,
    Ops.RETURNDATASIZE,
    Ops.COINBASE,
    Ops.TIMESTAMP,
    Ops.NUMBER,
    Ops.PREVRANDAO,
    Ops.GASLIMIT,
    Ops.CHAINID,
    Ops.SELFBALANCE,
    Ops.BASEFEE,
    Ops.BLOBBASEFEE,
    Ops.PC,
    Ops.MSIZE,
    Ops.GAS,
]
_UNARY = [Ops.ISZERO, Ops.NOT, Ops.CALLDATALOAD, Ops.SLOAD, Ops.TLOAD, Ops.BLOBHASH, Ops.BLOCKHASH]
_BINARY = [
    Ops.ADD,
    Ops.MUL,
    Ops.SUB,
    Ops.DIV,
    Ops.SDIV,
    Ops.MOD,
    Ops.SMOD,
    Ops.EXP,
    Ops.SIGNEXTEND,
    Ops.LT,
    Ops.GT,
    Ops.SLT,
    Ops.SGT,
    Ops.EQ,
    Ops.AND,
    Ops.OR,
    Ops.XOR,
    Ops.BYTE,
    Ops.SHL,
    Ops.SHR,
    Ops.SAR,
]


def _join(*parts: st.SearchStrategy[bytes] | bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of pieces one after the other."""
    return st.tuples(*(st.just(part) if isinstance(part, bytes) else part for part in parts)).map(b"".join)


_LEAF_WORDS = st.one_of(
    LITERALS.map(push),
    st.sampled_from(_SOURCES).map(op),
    _join(SLOTS.map(push), st.sampled_from([Ops.SLOAD, Ops.TLOAD]).map(op)),
    _join(SMALL_OFFSETS.map(push), op(Ops.MLOAD)),
    _join(OFFSETS.map(push), op(Ops.CALLDATALOAD)),
    _join(st.integers(0, 3).map(push), op(Ops.BLOBHASH)),
    _join(op(Ops.NUMBER), st.sampled_from([0, 1, 2, 255, 256, 257]).map(push), op(Ops.SWAP1, Ops.SUB, Ops.BLOCKHASH)),
    _join(ADDRESS_WORDS, st.sampled_from([Ops.BALANCE, Ops.EXTCODESIZE, Ops.EXTCODEHASH]).map(op)),
    _join(SMALL_SIZES.map(push), SMALL_OFFSETS.map(push), op(Ops.KECCAK)),
)
WORDS = st.one_of(
    _LEAF_WORDS,
    _join(_LEAF_WORDS, st.sampled_from(_UNARY).map(op)),
    _join(_LEAF_WORDS, _LEAF_WORDS, st.sampled_from(_BINARY).map(op)),
    _join(_LEAF_WORDS, _LEAF_WORDS, _LEAF_WORDS, st.sampled_from([Ops.ADDMOD, Ops.MULMOD]).map(op)),
)
"""Code that leaves one word on the stack."""

SINKS = st.one_of(
    SLOTS.map(lambda slot: push(slot) + op(Ops.SSTORE)),
    SLOTS.map(lambda slot: push(slot) + op(Ops.SSTORE)),
    SLOTS.map(lambda slot: push(slot) + op(Ops.TSTORE)),
    OFFSETS.map(lambda offset: push(offset) + op(Ops.MSTORE)),
    SMALL_OFFSETS.map(lambda offset: push(offset) + op(Ops.MSTORE8)),
    st.just(op(Ops.PUSH0, Ops.PUSH0, Ops.LOG1)),
    st.just(op(Ops.POP)),
)
"""Code that takes one word off the stack."""

_COPIES = st.one_of(
    _join(SIZES.map(push), OFFSETS.map(push), SMALL_OFFSETS.map(push), st.sampled_from([Ops.CALLDATACOPY]).map(op)),
    _join(SIZES.map(push), SMALL_OFFSETS.map(push), OFFSETS.map(push), st.sampled_from([Ops.CODECOPY]).map(op)),
    _join(SMALL_SIZES.map(push), OFFSETS.map(push), SMALL_OFFSETS.map(push), op(Ops.MCOPY)),
    _join(SIZES.map(push), SMALL_OFFSETS.map(push), OFFSETS.map(push), op(Ops.MCOPY)),
    st.sampled_from(
        [op(Ops.RETURNDATASIZE, Ops.PUSH0, Ops.PUSH0, Ops.RETURNDATACOPY)] * 8
        + [push(size) + op(Ops.RETURNDATASIZE, Ops.PUSH0, Ops.RETURNDATACOPY) for size in (0, 1)]
        + [push(size) + op(Ops.PUSH0, Ops.PUSH0, Ops.RETURNDATACOPY) for size in (1, 32)]
    ),
    _join(SIZES.map(push), OFFSETS.map(push), SMALL_OFFSETS.map(push), ADDRESS_WORDS, op(Ops.EXTCODECOPY)),
)
_LOGS = st.integers(0, 4).flatmap(
    lambda topics: _join(
        *[LITERALS.map(push)] * topics,
        SIZES.map(push),
        SMALL_OFFSETS.map(push),
        bytes([Ops.LOG0.value + topics]),
    )
)
_STORES = st.one_of(
    st.tuples(STORED_WORDS, SLOTS).map(lambda pair: push(pair[0]) + push(pair[1]) + op(Ops.SSTORE)),
    st.tuples(STORED_WORDS, SLOTS).map(lambda pair: push(pair[0]) + push(pair[1]) + op(Ops.TSTORE)),
    # A counter: what a transaction finds in the slot is never what the one before it found.
    SLOTS.map(lambda slot: push(1) + push(slot) + op(Ops.SLOAD, Ops.ADD) + push(slot) + op(Ops.SSTORE)),
    # The same slot several times: every way through EIP-2200's and EIP-3529's refunds.
    st.tuples(SLOTS, st.lists(STORED_WORDS, min_size=2, max_size=4)).map(
        lambda pair: b"".join(push(word) + push(pair[0]) + op(Ops.SSTORE) for word in pair[1])
    ),
)
_CALLS = st.one_of(
    _join(
        SMALL_SIZES.map(push),
        OFFSETS.map(push),
        SMALL_SIZES.map(push),
        SMALL_OFFSETS.map(push),
        CALL_VALUES,
        ADDRESS_WORDS,
        CALL_GAS,
        st.sampled_from([Ops.CALL, Ops.CALL, Ops.CALLCODE]).map(op),
        SINKS,
    ),
    _join(
        SIZES.map(push),
        SMALL_OFFSETS.map(push),
        SMALL_SIZES.map(push),
        SMALL_OFFSETS.map(push),
        ADDRESS_WORDS,
        CALL_GAS,
        st.sampled_from([Ops.DELEGATECALL, Ops.STATICCALL]).map(op),
        SINKS,
    ),
)
_PRECOMPILE_CALLS = _join(
    SMALL_SIZES.map(push),
    SMALL_OFFSETS.map(push),
    st.sampled_from([0, 32, 64, 96, 128, 192, 213, 256, 384]).map(push),
    SMALL_OFFSETS.map(push),
    st.sampled_from([*PRECOMPILES[:7], *PRECOMPILES[10:11], *PRECOMPILES[12:13]]).map(push),
    CALL_GAS,
    st.sampled_from([Ops.DELEGATECALL, Ops.STATICCALL]).map(op),
    SINKS,
)

SIMPLE_STATEMENTS: st.SearchStrategy[bytes] = st.one_of(
    _join(WORDS, SINKS), _join(WORDS, SINKS), _STORES, _STORES, _COPIES, _LOGS, _CALLS, _CALLS, _PRECOMPILE_CALLS
)

RANDOM_BYTES = st.binary(max_size=12)
ENDINGS: st.SearchStrategy[bytes] = st.one_of(
    st.just(b""),
    st.just(b""),
    st.just(op(Ops.STOP)),
    _join(SIZES.map(push), SMALL_OFFSETS.map(push), op(Ops.RETURN)),
    _join(SMALL_SIZES.map(push), OFFSETS.map(push), op(Ops.REVERT)),
    _join(SMALL_SIZES.map(push), SMALL_OFFSETS.map(push), op(Ops.REVERT)),
    _join(ADDRESS_WORDS, op(Ops.SELFDESTRUCT)),
    st.sampled_from([b"\xfe", b"\x0c", b"\xef", push(3) + op(Ops.JUMP), op(Ops.POP), op(Ops.JUMPDEST)]),
    RANDOM_BYTES,
)


@st.composite
def init_codes(draw: st.DrawFn) -> bytes:
    """Draw init code: a constructor, and what it returns or how else it ends."""
    prelude = b"".join(draw(st.lists(SIMPLE_STATEMENTS, max_size=3)))
    kind = draw(st.integers(0, 9))
    if kind < 5:
        runtime = b"".join(draw(st.lists(SIMPLE_STATEMENTS, max_size=3))) + draw(ENDINGS)
        return deployment(runtime, prelude)
    if kind == 5:
        return deployment(draw(st.sampled_from([b"\xef", b"\xef\x00", b"\xef\x01\x00" + CONTRACTS[0], b"\x00\xef"])))
    if kind == 6:
        # The limit of EIP-170, and one byte more.
        return prelude + push(draw(st.sampled_from([24_576, 24_577]))) + op(Ops.PUSH0, Ops.RETURN)
    return prelude + draw(ENDINGS)


@st.composite
def creations(draw: st.DrawFn) -> bytes:
    """Draw CREATE or CREATE2 of init code from memory, and often a call to what came of it."""
    code = draw(init_codes())
    size = push(len(code) if draw(st.integers(0, 7)) else draw(st.sampled_from([0, 1, 49_152, 49_153, 2**64])))
    value = draw(CALL_VALUES) if draw(st.booleans()) else op(Ops.PUSH0)
    if draw(st.booleans()):
        create = size + op(Ops.PUSH0) + value + op(Ops.CREATE)
    else:
        create = push(draw(st.integers(0, 1))) + size + op(Ops.PUSH0) + value + op(Ops.CREATE2)
    call = b""
    if draw(st.booleans()):
        call = op(*[Ops.PUSH0] * 4) + draw(CALL_VALUES) + op(Ops.DUP6, Ops.GAS, Ops.CALL) + draw(SINKS)
    return store_in_memory(code) + create + call + draw(SINKS)


STATEMENTS: st.SearchStrategy[bytes] = st.one_of(
    SIMPLE_STATEMENTS,
    SIMPLE_STATEMENTS,
    SIMPLE_STATEMENTS,
    creations(),
    st.tuples(_LEAF_WORDS, SIMPLE_STATEMENTS).map(lambda parts: when(*parts)),
    st.tuples(st.integers(1, 3), SIMPLE_STATEMENTS).map(lambda parts: repeat(*parts)),
)


@st.composite
def programs(draw: st.DrawFn) -> bytes:
    """Draw the code of a contract."""
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return draw(st.binary(max_size=60))
    statements = b"".join(draw(st.lists(STATEMENTS, min_size=1, max_size=6)))
    return (draw(RANDOM_BYTES) if kind == 1 else b"") + statements + draw(ENDINGS)


FACTORY_CODE = (
    op(Ops.CALLDATASIZE, Ops.PUSH0, Ops.PUSH0, Ops.CALLDATACOPY)
    + op(Ops.PUSH0, Ops.CALLDATASIZE, Ops.PUSH0, Ops.CALLVALUE, Ops.CREATE2)
    + push(0)
    + op(Ops.SSTORE)
    + op(*[Ops.PUSH0] * 5)
    + push(0)
    + op(Ops.SLOAD, Ops.GAS, Ops.CALL)
    + push(1)
    + op(Ops.SSTORE)
)
"""CREATE2 of the call data with salt 0 and the value of the call, then a call to the new contract."""

FORWARDER_CODE = (
    push(32)
    + op(Ops.CALLDATASIZE, Ops.SUB)
    + push(32)
    + op(Ops.PUSH0, Ops.CALLDATACOPY)
    + op(Ops.PUSH0, Ops.PUSH0)
    + push(32)
    + op(Ops.CALLDATASIZE, Ops.SUB, Ops.PUSH0, Ops.CALLVALUE, Ops.PUSH0, Ops.CALLDATALOAD, Ops.GAS, Ops.CALL)
    + push(0)
    + op(Ops.SSTORE, Ops.RETURNDATASIZE, Ops.PUSH0, Ops.PUSH0, Ops.RETURNDATACOPY)
    + op(Ops.RETURNDATASIZE, Ops.PUSH0, Ops.KECCAK)
    + push(1)
    + op(Ops.SSTORE, Ops.RETURNDATASIZE, Ops.PUSH0, Ops.RETURN)
)
"""A call to the address in the first word of the call data, with what follows.

Slot 0 is then whether it succeeded, slot 1 the hash of what it returned, which is returned.
"""

LOGGER_CODE = (
    op(Ops.CALLDATASIZE, Ops.PUSH0, Ops.PUSH0, Ops.CALLDATACOPY)
    + push(bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"))
    + op(Ops.CALLDATASIZE, Ops.PUSH0, Ops.LOG1)
)
"""A DepositEvent with the call data as its data."""

PROBE_CODE = b"".join(
    [
        *(push(address) + op(Ops.EXTCODEHASH, Ops.PUSH0, Ops.PUSH0, Ops.LOG1) for address in WATCHED),
        *(push(slot) + op(Ops.SLOAD, Ops.POP) for slot in (0, 1, 2)),
        *(op(*[Ops.PUSH0] * 5) + push(address) + push(5_000) + op(Ops.CALL, Ops.POP) for address in SENDERS),
    ]
)
"""A log for everybody's code hash, and a call with little gas to each sender, which may have delegated."""
