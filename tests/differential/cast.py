"""Who takes part in the scenarios: senders with their keys, and the addresses that code and transactions name."""

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import (
    BEACON_ROOTS,
    CONSOLIDATION_REQUESTS,
    HISTORY_STORAGE,
    SYSTEM_ADDRESS,
    WITHDRAWAL_REQUESTS,
)
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.state.requests import DEPOSIT_CONTRACT

CHAIN_ID = 31337

NAMES = ("alice", "bob", "carol", "dave")
KEYS = tuple(keccak256(name.encode()) for name in NAMES)
SENDERS = tuple(address_of_private_key(key) for key in KEYS)

CONTRACTS = tuple(bytes([0xC0 + index]) * 20 for index in range(4))
FACTORY = b"\xfa" * 20
"""Creates with CREATE2 what its call data says, and calls it."""
FORWARDER = b"\xfd" * 20
"""Calls the address in the first word of its call data with the rest of it."""
PROBE = b"\xbb" * 20
"""Looks at everybody, so that its gas tells who was warm."""

ABSENT = (b"\x90" * 20, b"\x91" * 20)
FEE_RECIPIENT = b"\xcb" * 20
PRECOMPILES = tuple(number.to_bytes(20, "big") for number in range(1, 0x12))
NO_PRECOMPILES = (bytes(20), (0x12).to_bytes(20, "big"), (0x100).to_bytes(20, "big"))
SYSTEM_CONTRACTS = (BEACON_ROOTS, HISTORY_STORAGE, WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS)

FUTURE_CONTRACTS = tuple(
    contract_address(creator, nonce) for creator in (*SENDERS[:2], CONTRACTS[0]) for nonce in (0, 1, 2)
)
"""Where creations with low nonces will put their contracts."""

ADDRESSES = (
    *SENDERS,
    *CONTRACTS,
    *CONTRACTS,
    FACTORY,
    FORWARDER,
    *ABSENT,
    FEE_RECIPIENT,
    *PRECOMPILES[:4],
    *NO_PRECOMPILES,
    *SYSTEM_CONTRACTS,
    DEPOSIT_CONTRACT,
    SYSTEM_ADDRESS,
    *FUTURE_CONTRACTS,
)

WATCHED = (*SENDERS, *CONTRACTS, *ABSENT, FEE_RECIPIENT, *PRECOMPILES[:2], *NO_PRECOMPILES[:2], *SYSTEM_CONTRACTS[:2])
"""Whom the probe looks at."""

LABELS = {
    **dict(zip(SENDERS, NAMES, strict=True)),
    **{address: f"contract {index}" for index, address in enumerate(CONTRACTS)},
    FACTORY: "factory",
    FORWARDER: "forwarder",
    PROBE: "probe",
    FEE_RECIPIENT: "fee recipient",
    BEACON_ROOTS: "beacon roots",
    HISTORY_STORAGE: "history storage",
    WITHDRAWAL_REQUESTS: "withdrawal requests",
    CONSOLIDATION_REQUESTS: "consolidation requests",
    DEPOSIT_CONTRACT: "deposit contract",
    **{address: f"precompile {index + 1:#04x}" for index, address in enumerate(PRECOMPILES)},
}


def label(address: bytes | None) -> str:
    """Return an address as a reader of a failed example would name it."""
    if address is None:
        return "creation"
    return LABELS.get(address, "0x" + address.hex())
