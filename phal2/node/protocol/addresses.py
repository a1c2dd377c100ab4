"""Addresses as text: EIP-55 checksums, and the addresses of created contracts."""

from typing import Final

from phal2.node.protocol import rlp
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.keccak import keccak256

ADDRESS_LENGTH: Final = 20
ZERO_ADDRESS: Final = bytes(ADDRESS_LENGTH)
ALIAS_OFFSET: Final = 0x1111000000000000000000000000000000001111


def to_checksum_address(address: bytes) -> str:
    """Return the EIP-55 text of a 20-byte address."""
    if len(address) != ADDRESS_LENGTH:
        raise InvalidEncoding(f"an address has {ADDRESS_LENGTH} bytes, got {len(address)}")
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(digits, digest, strict=False)
    )


def parse_address(text: str) -> bytes:
    """Read `0x` and 40 hex digits; where the digits are of mixed case, their EIP-55 checksum must be right."""
    if len(text) != 2 + 2 * ADDRESS_LENGTH or not text.startswith(("0x", "0X")):
        raise InvalidEncoding(f"expected an address of 0x and 40 hex digits, got {text[:60]!r}")
    try:
        address = bytes.fromhex(text[2:])
    except ValueError:
        raise InvalidEncoding(f"expected an address of 0x and 40 hex digits, got {text!r}") from None
    if len(address) != ADDRESS_LENGTH:
        raise InvalidEncoding(f"expected an address of 0x and 40 hex digits, got {text!r}")
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and to_checksum_address(address)[2:] != digits:
        raise InvalidEncoding(f"address {text} has a wrong EIP-55 checksum; expected {to_checksum_address(address)}")
    return address


def contract_address(sender: bytes, nonce: int) -> bytes:
    """Return the address that a creation by `sender` with `nonce` gives (Yellow Paper, section 7)."""
    return keccak256(rlp.encode([sender, rlp.encode_uint(nonce)]))[12:]


def alias_l1_address(address: bytes) -> bytes:
    """Return the L2 sender of a deposit that the L1 contract `address` made (OP Stack deposits, "Address Aliasing")."""
    return ((int.from_bytes(address, "big") + ALIAS_OFFSET) % (1 << 160)).to_bytes(ADDRESS_LENGTH, "big")
