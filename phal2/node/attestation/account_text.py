"""The text that a Substrate account signs for kind 3, for a person to read (docs/attested-transactions.md)."""

from dataclasses import dataclass
from typing import Final

from phal2.node.attestation.errors import NoteInvalid
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.keccak import keccak256

MAXIMUM_NOTE_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What a Substrate account consents to. It names no sender, nonce or value, so that anyone may pay the gas.

    `note` is printable ASCII; the called contract checks that it says what the call does.
    """

    chain_id: int
    to: bytes
    data: bytes
    valid_until: int
    note: bytes


def account_text(statement: AccountStatement) -> bytes:
    """Return the text, bare; raise `NoteInvalid` where the note is none that a text can hold."""
    check_note(statement.note)
    lines = (
        "Phala account statement",
        f"chain: {statement.chain_id}",
        f"contract: {to_checksum_address(statement.to)}",
        f"call: 0x{keccak256(statement.data).hex()}",
        f"valid until: {statement.valid_until}",
        f"note: {statement.note.decode('ascii')}",
    )
    return "\n".join(lines).encode("ascii")


def wrapped(text: bytes) -> bytes:
    """Return the text as browser wallets sign it, so that it cannot be mistaken for a Substrate transaction."""
    return b"<Bytes>" + text + b"</Bytes>"


def check_note(note: bytes) -> None:
    """Raise `NoteInvalid` unless the note is at most 200 bytes of printable ASCII: a line break could forge lines."""
    if len(note) > MAXIMUM_NOTE_LENGTH:
        raise NoteInvalid(f"note of {len(note)} bytes; at most {MAXIMUM_NOTE_LENGTH} are allowed")
    for position, byte in enumerate(note):
        if not 0x20 <= byte <= 0x7E:
            raise NoteInvalid(f"note has byte 0x{byte:02x} at position {position}; only printable ASCII is allowed")
