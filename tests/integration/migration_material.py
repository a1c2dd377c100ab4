"""A Substrate chain to migrate, made for the tests: accounts whose secrets are known, beside those of a real chain."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phal2.bridge.migration.export import read_export
from phal2.bridge.migration.snapshot import take_snapshot
from phal2.bridge.migration.storage_keys import TOTAL_ISSUANCE_KEY, account_key
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519

PLANKS = 10**12
PALLET = b"modlpy/trsry".ljust(32, b"\0")

ALICE = AccountSecret(SR25519, b"\xa1" * 32)
BOB = AccountSecret(ED25519, b"\xb0" * 32)
CAROL = AccountSecret(ECDSA, b"\xca" * 32)
DAVE = AccountSecret(SR25519, b"\xda" * 32)
SIGNATORIES = tuple(account_of(secret) for secret in (ALICE, BOB, CAROL))
MULTISIG = multisig_account(2, tuple(sorted(SIGNATORIES)))


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account of `System.Account` holds, in planks."""

    free: int
    reserved: int = 0


GENERATED: Mapping[bytes, Holding] = {
    account_of(ALICE): Holding(7 * PLANKS, reserved=3 * PLANKS),
    account_of(BOB): Holding(5 * PLANKS + 1),
    account_of(CAROL): Holding(11 * PLANKS),
    account_of(DAVE): Holding(13 * PLANKS),
    MULTISIG: Holding(100 * PLANKS, reserved=23 * PLANKS),
    PALLET: Holding(1_000 * PLANKS),
}


def write_export(path: Path, vectors: Path | None) -> None:
    """Write the state of a chain with the generated accounts, and with those of a real chain where it is there."""
    holdings = dict(GENERATED)
    if vectors is not None:
        real = take_snapshot(read_export(vectors / "migration" / "khala-genesis.json"))
        holdings |= {leaf.account_id: Holding(leaf.free // 10**6) for leaf in real.leaves}
    entries = {f"0x{account_key(account).hex()}": _account_value(holding) for account, holding in holdings.items()}
    issuance = sum(holding.free + holding.reserved for holding in holdings.values())
    entries[f"0x{TOTAL_ISSUANCE_KEY.hex()}"] = f"0x{issuance.to_bytes(16, 'little').hex()}"
    path.write_text(json.dumps({"genesis": {"raw": {"top": entries, "childrenDefault": {}}}}))


def _account_value(holding: Holding) -> str:
    """SCALE of nonce, consumers, providers, sufficients (u32) and free, reserved, frozen, flags (u128)."""
    counters = b"".join(count.to_bytes(4, "little") for count in (5, 1, 2, 0))
    amounts = (holding.free, holding.reserved, 0, 1 << 127)
    return f"0x{(counters + b''.join(amount.to_bytes(16, 'little') for amount in amounts)).hex()}"
