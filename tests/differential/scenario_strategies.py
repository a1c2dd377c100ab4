"""Strategies for scenarios: accounts, transactions of every type, blocks."""

from typing import Any

from cast import (
    ABSENT,
    ADDRESSES,
    CHAIN_ID,
    CONTRACTS,
    FACTORY,
    FEE_RECIPIENT,
    FORWARDER,
    FUTURE_CONTRACTS,
    PRECOMPILES,
    PROBE,
    SENDERS,
)
from envelopes import FAULTS
from hypothesis import strategies as st
from program_strategies import FACTORY_CODE, FORWARDER_CODE, LOGGER_CODE, PROBE_CODE, init_codes, programs
from scenarios import AuthorizationPlan, BlockPlan, Scenario, TransactionPlan

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from phal2.node.state.delegation import delegation_to
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.requests import DEPOSIT_CONTRACT

DELEGATING_KINDS = (4, 4, 4, 2)

ETHER = 10**18
WRONG_CHAINS = (1, CHAIN_ID + 1, 2**64 + CHAIN_ID, 2**256 - 1)
BLOB_HASHES = st.sampled_from([b"\x01" * 32, b"\x01" + b"\xab" * 31])

SENDER_INDEXES = st.sampled_from([0, 0, 0, 0, 0, 1, 1, 1, 2, 3])
"""Alice can always send, Bob nearly always; the others may be unable to."""

_SENDER_ACCOUNTS = st.one_of(
    st.just(GenesisAccount(100 * ETHER, nonce=1)),
    st.sampled_from([2**64 - 2, 2**64 - 1]).map(lambda nonce: GenesisAccount(ETHER, nonce=nonce)),
    st.sampled_from([*CONTRACTS, *SENDERS, PRECOMPILES[3], *ABSENT]).map(
        lambda address: GenesisAccount(100 * ETHER, nonce=1, code=delegation_to(address))
    ),
    # EIP-3607: code that is no delegation.
    st.sampled_from([b"\x00", b"\xef\x01\x00", delegation_to(CONTRACTS[0])[:-1], b"\xef\x01\x01" + CONTRACTS[0]]).map(
        lambda code: GenesisAccount(100 * ETHER, code=code)
    ),
    st.sampled_from([1, 21_000 * 10**9, ETHER // 1_000]).map(GenesisAccount),
)
_BOBS_CODE = st.sampled_from([b"", b"", *(delegation_to(contract) for contract in CONTRACTS)])
_STORAGE = st.dictionaries(st.sampled_from([0, 1, 2, 2**256 - 1]), st.sampled_from([1, 2, 2**256 - 1]), max_size=3)


@st.composite
def _contract_accounts(draw: st.DrawFn) -> GenesisAccount:
    return GenesisAccount(
        balance=draw(st.sampled_from([0, 1, 10, ETHER])),
        nonce=draw(st.sampled_from([1, 1, 1, 2, 2**64 - 1])),
        code=draw(programs()),
        storage=draw(_STORAGE),
    )


_OBSTACLES = st.one_of(
    st.just(GenesisAccount(balance=5)),
    st.just(GenesisAccount(nonce=1)),
    st.just(GenesisAccount(balance=1, code=b"\x00")),
    st.just(GenesisAccount(balance=1, storage={1: 1})),
)
"""What a creation may find where its contract is to be; all but the first are collisions (EIP-684, EIP-7610)."""


@st.composite
def genesis_accounts(draw: st.DrawFn) -> dict[bytes, GenesisAccount]:
    """Draw the state that a scenario begins with."""
    accounts = dict(L1_SYSTEM_CONTRACTS)
    accounts |= {
        FACTORY: GenesisAccount(code=FACTORY_CODE, nonce=1),
        FORWARDER: GenesisAccount(code=FORWARDER_CODE, nonce=1),
        PROBE: GenesisAccount(code=PROBE_CODE, nonce=1),
        DEPOSIT_CONTRACT: GenesisAccount(code=LOGGER_CODE, nonce=1),
        SENDERS[0]: GenesisAccount(100 * ETHER),
        SENDERS[1]: GenesisAccount(100 * ETHER, code=draw(_BOBS_CODE)),
    }
    for sender in SENDERS[2:]:
        accounts[sender] = draw(_SENDER_ACCOUNTS)
    for contract in CONTRACTS:
        accounts[contract] = draw(_contract_accounts())
    if draw(st.integers(0, 3)) == 0:
        accounts[draw(st.sampled_from(FUTURE_CONTRACTS))] = draw(_OBSTACLES)
    return accounts


_ACCESS_LISTS = st.lists(
    st.tuples(
        st.sampled_from([*ADDRESSES, PROBE, PROBE, PROBE]),
        st.lists(st.sampled_from([0, 1, 2, 2**256 - 1]).map(lambda slot: slot.to_bytes(32, "big")), max_size=3).map(
            tuple
        ),
    ),
    max_size=3,
).map(tuple)

AUTHORIZATIONS = st.builds(
    AuthorizationPlan,
    authority=st.integers(0, len(SENDERS) - 1),
    address=st.one_of(st.sampled_from(CONTRACTS), st.sampled_from(ADDRESSES), st.just(bytes(20))),
    nonce_offset=st.sampled_from([0] * 9 + [1, -1, 2**64]),
    chain_id=st.sampled_from([CHAIN_ID] * 6 + [0] * 6 + [*WRONG_CHAINS]),
    fault=st.sampled_from([""] * 40 + [*FAULTS]),
)

_CALL_DATA = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    st.sampled_from([b"\0" * 500, b"\xff" * 500, b"\0\xff" * 1_000]),
    init_codes(),
    st.sampled_from(ADDRESSES).map(lambda address: address.rjust(32, b"\0")),
    st.tuples(st.sampled_from(CONTRACTS), st.binary(max_size=40)).map(lambda pair: pair[0].rjust(32, b"\0") + pair[1]),
    # What the system contracts understand: a request, a timestamp, the number of a block.
    st.sampled_from([b"\x11" * 56, b"\x22" * 96]),
    st.sampled_from([0, 1, 300, 301, 1_750_000_012]).map(lambda number: number.to_bytes(32, "big")),
)

_DEPOSIT_EVENT = b"".join(offset.to_bytes(32, "big") for offset in (160, 256, 320, 384, 512)) + b"".join(
    length.to_bytes(32, "big") + b"\x5a" * (-(-length // 32) * 32) for length in (48, 32, 8, 96, 8)
)

_TARGETS = st.one_of(
    st.just(CONTRACTS[0]),
    st.sampled_from(CONTRACTS),
    st.sampled_from([FACTORY, FORWARDER, PROBE, PROBE]),
    st.sampled_from(ADDRESSES),
    st.sampled_from(PRECOMPILES[:7]),
    st.sampled_from(SENDERS),
)


@st.composite
def transaction_plans(draw: st.DrawFn, kinds: tuple[int, ...] = (0, 1, 2, 2, 3, 4, 4)) -> TransactionPlan:
    """Draw a transaction: mostly one that may be in the block, now and then one with something amiss."""
    kind = draw(st.sampled_from(kinds))
    fields = draw(_request_calls) if draw(st.integers(0, 11)) == 0 else draw(_calls(kind))
    fields["kind"] = kind
    fields["sender"] = draw(SENDER_INDEXES)
    fields["chain_id"] = draw(st.sampled_from([CHAIN_ID, None])) if kind == 0 else CHAIN_ID
    if kind:
        fields["access_list"] = draw(_ACCESS_LISTS)
    if kind >= 2:
        fields["tip"] = draw(st.sampled_from([0, 1, 7]))
    fields["fee_offset"] = draw(st.sampled_from([0, 0, 1, 3, 10**9]))
    if kind == 3:
        fields["blob_hashes"] = tuple(draw(st.lists(BLOB_HASHES, min_size=1, max_size=3)))
    if kind == 4:
        fields["authorizations"] = tuple(draw(st.lists(AUTHORIZATIONS, min_size=1, max_size=4)))
    if draw(st.integers(0, 6)) == 0:
        name, value = draw(_AMISS)
        fields[name] = value
    return TransactionPlan(**fields)


def _calls(kind: int) -> st.SearchStrategy[dict[str, Any]]:
    call = st.fixed_dictionaries(
        {
            "to": _TARGETS,
            "data": _CALL_DATA,
            "value": st.sampled_from([0, 0, 0, 1, 10, ETHER]),
            "gas": st.sampled_from([150_000, 400_000, 400_000, 1_000_000]),
        }
    )
    bounded = st.fixed_dictionaries(
        {
            "to": _TARGETS,
            "data": _CALL_DATA,
            "gas_basis": st.just("least"),
            "gas": st.sampled_from([0, 0, 1, 2_300, 10_000, 30_000]),
        }
    )
    creation = st.fixed_dictionaries(
        {
            "to": st.none(),
            "data": init_codes(),
            "value": st.sampled_from([0, 0, 1, 10]),
            "gas": st.sampled_from([100_000, 400_000, 1_000_000, 6_000_000]),
        }
    )
    return st.one_of(call, call, call, bounded, creation) if kind < 3 else st.one_of(call, call, bounded)


_request_calls = st.one_of(
    st.fixed_dictionaries(
        {
            "to": st.just(WITHDRAWAL_REQUESTS),
            "data": st.sampled_from([b"\x11" * 56, b"\x11" * 55, b""]),
            "value": st.sampled_from([1, 1, 2, 0]),
            "gas": st.just(300_000),
        }
    ),
    st.fixed_dictionaries(
        {
            "to": st.just(CONSOLIDATION_REQUESTS),
            "data": st.sampled_from([b"\x22" * 96, b"\x22" * 97, b""]),
            "value": st.sampled_from([1, 1, 2, 0]),
            "gas": st.just(300_000),
        }
    ),
    st.fixed_dictionaries(
        {
            "to": st.just(DEPOSIT_CONTRACT),
            "data": st.sampled_from([_DEPOSIT_EVENT] * 4 + [_DEPOSIT_EVENT[:-1], b"\1" + _DEPOSIT_EVENT[1:]]),
            "gas": st.just(200_000),
        }
    ),
)

_AMISS: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("nonce_offset"), st.sampled_from([-1, 1, 2**64])),
    st.tuples(st.just("left_over"), st.sampled_from([-1, 0, 0, 1, 21_000])),
    st.tuples(st.just("value"), st.sampled_from([101 * ETHER, 2**256 - 1])),
    st.tuples(st.just("fee_offset"), st.sampled_from([-1, -(10**9), 10**18])),
    st.tuples(st.just("tip"), st.sampled_from([None, 2**256 - 1])),
    st.tuples(st.just("gas"), st.sampled_from([-1, 20_999, 21_000, 2**40, 2**64 - 1])),
    st.just(("gas_basis", "block")),
    st.tuples(st.just("chain_id"), st.sampled_from([0, *WRONG_CHAINS])),
    st.tuples(st.just("fault"), st.sampled_from(sorted(FAULTS))),
    st.tuples(st.just("data"), st.sampled_from([b"\0" * 49_152, b"\0" * 49_153])),
    st.tuples(
        st.just("blob_hashes"), st.sampled_from([(), (b"\x02" * 32,), (b"\x01" * 32,) * 9, (b"\x01" * 32,) * 10])
    ),
    st.tuples(st.just("blob_fee_offset"), st.sampled_from([-1, 1, 10**9])),
    st.just(("authorizations", ())),
)
"""A field of a plan and what would put it at the edge of what is allowed, or over it."""


@st.composite
def transfers(draw: st.DrawFn) -> TransactionPlan:
    """Draw a transaction that does little, at the edge of what is allowed, or over it."""
    kind = draw(st.integers(0, 4))
    fields: dict[str, Any] = {
        "kind": kind,
        "sender": draw(st.integers(0, len(SENDERS) - 1)),
        "to": draw(st.sampled_from([*SENDERS, *ABSENT, FEE_RECIPIENT, bytes(20), PRECOMPILES[1]])),
        "chain_id": CHAIN_ID,
        "gas": 0,
        "gas_basis": draw(st.sampled_from(["intrinsic", "floor", "block"])),
        "data": draw(st.sampled_from([b"", b"", b"\0", b"\xff" * 100, b"\0" * 1_000])),
        "tip": draw(st.sampled_from([0, 1])),
        "fee_offset": draw(st.sampled_from([0, 1])),
        "value": draw(st.sampled_from([0, 1])),
    }
    if kind == 3:
        fields["blob_hashes"] = (b"\x01" * 32,) * draw(st.sampled_from([1, 1, 2, 5]))
    if kind == 4:
        fields["authorizations"] = tuple(draw(st.lists(AUTHORIZATIONS, min_size=1, max_size=2)))
    fields |= dict(draw(st.lists(_AMISS, max_size=2)))
    return TransactionPlan(**fields)


@st.composite
def senders_only(draw: st.DrawFn) -> dict[bytes, GenesisAccount]:
    """Draw a state with nobody in it but the senders and the system contracts."""
    funded = {SENDERS[0]: GenesisAccount(100 * ETHER)}
    return dict(L1_SYSTEM_CONTRACTS) | funded | {sender: draw(_SENDER_ACCOUNTS) for sender in SENDERS[1:]}


COINBASES = st.sampled_from(
    [FEE_RECIPIENT, FEE_RECIPIENT, SENDERS[0], CONTRACTS[0], bytes(20), PRECOMPILES[3], ABSENT[0], FUTURE_CONTRACTS[0]]
)


def block_plans(
    plans: st.SearchStrategy[TransactionPlan], maximum_transactions: int = 4
) -> st.SearchStrategy[BlockPlan]:
    """Return a strategy of blocks of the transactions that `plans` gives."""
    return st.builds(
        BlockPlan,
        transactions=st.lists(plans, min_size=1, max_size=maximum_transactions).map(tuple),
        coinbase=COINBASES,
        seconds=st.sampled_from([1, 12, 1_000]),
        gas_limit_change=st.sampled_from([0, 0, 100, -100]),
        prev_randao=st.sampled_from([bytes(32), b"\x02" * 32, b"\xff" * 32]),
        beacon_root=st.sampled_from([bytes(32), b"\x03" * 32]),
    )


def scenarios(
    accounts: st.SearchStrategy[dict[bytes, GenesisAccount]],
    plans: st.SearchStrategy[TransactionPlan],
    maximum_blocks: int = 3,
) -> st.SearchStrategy[Scenario]:
    """Return a strategy of whole scenarios."""
    return st.builds(
        Scenario,
        accounts=accounts,
        blocks=st.lists(block_plans(plans), min_size=1, max_size=maximum_blocks).map(tuple),
        gas_limit=st.sampled_from([30_000_000, 30_000_000, 30_000_000, 1_000_000]),
        base_fee_per_gas=st.sampled_from([7, 10**9, 10**9]),
        parent_number=st.sampled_from([0, 1, 300]),
        parent_gas_used=st.sampled_from([0, 500_000, 1_000_000]),
        parent_excess_blob_gas=st.sampled_from([0, 0, 786_432, 50_000_000]),
        parent_blobs=st.sampled_from([0, 6, 9]),
    )


@st.composite
def deployments(draw: st.DrawFn) -> Scenario:
    """Draw a scenario that deploys few init codes many times, so that they collide or come back after their end."""
    codes = draw(st.lists(init_codes(), min_size=1, max_size=2))
    targets = [keccak256(b"\xff" + FACTORY + bytes(32) + keccak256(code))[12:] for code in codes]
    plans = st.one_of(
        st.builds(
            TransactionPlan,
            kind=st.just(2),
            sender=st.sampled_from([0, 1]),
            to=st.sampled_from([FACTORY, FACTORY, FACTORY, None]),
            data=st.sampled_from(codes),
            value=st.sampled_from([0, 0, 1]),
            gas=st.sampled_from([300_000, 1_000_000]),
            chain_id=st.just(CHAIN_ID),
        ),
        st.builds(
            TransactionPlan,
            kind=st.just(2),
            sender=st.sampled_from([0, 1]),
            to=st.sampled_from([*targets, *FUTURE_CONTRACTS]),
            value=st.sampled_from([0, 0, 1]),
            gas=st.just(300_000),
            chain_id=st.just(CHAIN_ID),
        ),
        transaction_plans(),
    )
    obstacles = st.dictionaries(st.sampled_from(targets), _OBSTACLES, max_size=1)
    accounts = st.builds(lambda present, in_the_way: present | in_the_way, genesis_accounts(), obstacles)
    return draw(scenarios(accounts, plans))
