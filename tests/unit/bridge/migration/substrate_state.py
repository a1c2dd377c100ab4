"""Makes small Substrate states for the tests: storage as hex, as an export has it."""

from collections.abc import Mapping

from phal2.bridge.migration.storage_keys import TOTAL_ISSUANCE_KEY, account_key

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
BOB = bytes.fromhex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")
CHARLIE = bytes.fromhex("90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22")
TREASURY = b"modlpy/trsry".ljust(32, b"\0")
SIBLING = b"sibl" + (2004).to_bytes(4, "little") + bytes(24)
PARACHAIN = b"para" + (2035).to_bytes(4, "little") + bytes(24)


def account_value(free: int, reserved: int = 0, frozen: int = 0, flags: int = 1 << 127) -> bytes:
    """The 80 bytes of `System.Account`, with nonce 5, one consumer, two providers and no sufficient."""
    counters = b"".join(count.to_bytes(4, "little") for count in (5, 1, 2, 0))
    return counters + b"".join(amount.to_bytes(16, "little") for amount in (free, reserved, frozen, flags))


def storage_of(accounts: Mapping[bytes, bytes], issuance: int) -> dict[str, str]:
    """Storage with these accounts (id to value) and this total issuance in planks."""
    entries = {f"0x{account_key(account_id).hex()}": f"0x{value.hex()}" for account_id, value in accounts.items()}
    entries[f"0x{TOTAL_ISSUANCE_KEY.hex()}"] = f"0x{issuance.to_bytes(16, 'little').hex()}"
    return entries
