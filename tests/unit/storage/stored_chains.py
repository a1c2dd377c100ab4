"""Chains for the storage tests: blocks with real transactions and hashes over made-up state."""

from dataclasses import replace

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.headers import EMPTY_OMMERS_HASH, EMPTY_TRIE_ROOT, Block, Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.receipts import EMPTY_BLOOM, Log, Receipt, logs_bloom
from phal2.node.state.database import GENESIS_SERIAL, StateUpdate, first_location
from phal2.node.state.outcomes import ExecutedBlock

CHAIN_ID = 20350

_HEADER = Header(
    parent_hash=bytes(32),
    ommers_hash=EMPTY_OMMERS_HASH,
    coinbase=bytes(20),
    state_root=EMPTY_TRIE_ROOT,
    transactions_root=EMPTY_TRIE_ROOT,
    receipts_root=EMPTY_TRIE_ROOT,
    bloom=EMPTY_BLOOM,
    difficulty=0,
    number=0,
    gas_limit=30_000_000,
    gas_used=0,
    timestamp=1_700_000_000,
    extra_data=b"",
    prev_randao=bytes(32),
    nonce=bytes(8),
    base_fee_per_gas=1_000_000_000,
)


def genesis(extra_data: bytes = b"") -> ExecutedBlock:
    """Return a genesis block; `extra_data` makes it that of another chain."""
    node = b"genesis node" + extra_data
    header = replace(_HEADER, extra_data=extra_data, state_root=keccak256(node))
    update = state_update(node, GENESIS_SERIAL, {keccak256(b"code"): b"code"})
    return ExecutedBlock(Block(header, header_hash(header), ()), (), (), {}, update, ())


def state_update(node: bytes, serial: int, codes: dict[bytes, bytes] | None = None) -> StateUpdate:
    """Return an update to a state whose trie has but one node, made up of any bytes."""
    location = first_location(serial)
    return StateUpdate(keccak256(node), codes or {}, location, location, (node,))


def header_on(parent: ExecutedBlock, state_root: bytes, extra_data: bytes) -> Header:
    """Return a header that follows `parent`; other `extra_data` makes it a sibling."""
    number = parent.block.header.number + 1
    return replace(_HEADER, number=number, parent_hash=parent.block.hash, state_root=state_root, extra_data=extra_data)


def child(parent: ExecutedBlock, branch: bytes = b"a", transactions: int = 2, node_size: int = 100) -> ExecutedBlock:
    """Return a block on `parent` with made-up envelopes of its own; another `branch` gives a sibling."""
    number = parent.block.header.number + 1
    node = branch + number.to_bytes(4, "big") + bytes(node_size)
    header = header_on(parent, keccak256(node), branch)
    envelopes = tuple(b"\x02" + branch + number.to_bytes(4, "big") + bytes([index]) for index in range(transactions))
    logs = (Log(b"\x11" * 20, (b"\x22" * 32,), b"data"),)
    receipts = tuple(Receipt(2, 1, 21_000 * (index + 1), logs_bloom(logs), logs) for index in range(transactions))
    senders = tuple(bytes([index]) * 20 for index in range(transactions))
    update = state_update(node, serial=256 * (1 + number) + branch[0])
    hashes = tuple(keccak256(envelope) for envelope in envelopes)
    return ExecutedBlock(Block(header, header_hash(header), envelopes), receipts, senders, {}, update, hashes)


def chain(length: int, branch: bytes = b"a", start: ExecutedBlock | None = None) -> list[ExecutedBlock]:
    """Return `length` blocks on `start` (the genesis)."""
    blocks: list[ExecutedBlock] = []
    parent = genesis() if start is None else start
    for _ in range(length):
        parent = child(parent, branch)
        blocks.append(parent)
    return blocks


def attested(block: ExecutedBlock, index: int) -> ExecutedBlock:
    """Return `block` with an attestation for the transaction at `index`."""
    words = [bytes([number]) * 32 for number in range(6)]
    verified = VerifiedAttestation(
        kind=2,
        tcb_status=1,
        valid_until=1_800_000_000,
        sender=b"\x01" * 20,
        to=b"\x02" * 20,
        subject=words[0],
        workload=words[1],
        evidence_hash=words[2],
        data_hash=words[3],
        value=10**18,
        image=words[4],
        root_ca=words[5],
        tcb_evaluation_number=17,
        simulated=True,
    )
    return replace(block, attestations={index: verified})
