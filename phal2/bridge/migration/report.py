"""The migration's figures as text for people."""

from typing import Final

from phal2.bridge.migration.snapshot import Snapshot
from phal2.bridge.migration.ss58 import encode_address

DECIMALS: Final = 18


def format_pha(amount: int) -> str:
    """Return an integer of 18 decimals as PHA, exactly: thousands separated, no trailing zeros."""
    whole, fraction = divmod(abs(amount), 10**DECIMALS)
    digits = f"{fraction:0{DECIMALS}d}".rstrip("0")
    return f"{'-' if amount < 0 else ''}{whole:,}{'.' if digits else ''}{digits} PHA"


def describe_snapshot(snapshot: Snapshot, *, compared: bool, prefix: int) -> str:
    """Return the report of a snapshot; `compared` tells whether its state root was held against an expected one."""
    lines = [
        _line("state root", describe_state_root(snapshot, compared=compared)),
        _line("accounts", f"{snapshot.accounts:,}, of which {snapshot.empty_accounts:,} hold nothing"),
        _line("issuance", format_pha(snapshot.issuance)),
        _line("claimable", f"{format_pha(snapshot.total)} by {len(snapshot.leaves):,} accounts"),
        _line("  reserved", f"{format_pha(snapshot.reserved)} of it"),
        _line("  staked", f"{format_pha(snapshot.staked)} of it"),
    ]
    for name, amount in snapshot.excluded.items():
        count = sum(entry.excluded_class == name for entry in snapshot.treasury)
        noun = "account" if count == 1 else "accounts"
        lines.append(_line(f"no key: {name}", f"{format_pha(amount)} on {count:,} {noun}"))
    if snapshot.difference:
        lines.append(_line("difference", f"{format_pha(snapshot.difference)}, as declared"))
    if snapshot.treasury:
        lines.append("accounts without a key, for the treasury:")
    lines += [
        f"  {encode_address(entry.account_id, prefix)}  {entry.excluded_class}  {format_pha(entry.balance)}"
        for entry in snapshot.treasury
    ]
    return "\n".join(lines)


def describe_state_root(snapshot: Snapshot, *, compared: bool) -> str:
    """Return the state root, its layout, and whether it was held against an expected one."""
    if snapshot.state_root is None:
        return "none, as the export leaves out the runtime's code"
    root = f"0x{snapshot.state_root.hex()} (trie layout version {snapshot.state_version})"
    return root + (", as expected" if compared else "; compare it with the block's header, or give --state-root")


def _line(name: str, text: str) -> str:
    return f"{name:<18} {text}"
