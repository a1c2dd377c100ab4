"""Lists of bits as span batches hold them: a big-endian integer whose bit i is element i, in whole bytes.

They are handled as bytes, because an integer of a million bits costs as much for each question as for all.
"""

from collections.abc import Iterable

from phal2.node.protocol.errors import InvalidEncoding


class InvalidBitList(InvalidEncoding):
    """A list of bits that the bytes end within, or with bits set beyond its length."""


def bit_list(bits: Iterable[bool]) -> bytes:
    """Return the list of the given bits."""
    elements = ["1" if bit else "0" for bit in bits]
    if not elements:
        return b""
    return int("".join(reversed(elements)), 2).to_bytes((len(elements) + 7) // 8, "big")


def read_bit_list(data: bytes, offset: int, length: int) -> tuple[bytes, int]:
    """Return the list of `length` bits at `offset` and the offset behind it; raise `InvalidBitList`."""
    end = offset + (length + 7) // 8
    if end > len(data):
        raise InvalidBitList(f"{length} bits expected, but only {max(0, len(data) - offset)} bytes are left")
    bits = data[offset:end]
    if length % 8 and bits[0] >> length % 8:
        raise InvalidBitList(f"bits are set beyond the {length} of the list")
    return bits, end


def bit(bits: bytes, index: int) -> bool:
    """Return element `index`."""
    return bool(bits[-1 - index // 8] >> index % 8 & 1)


def count_set(bits: bytes) -> int:
    """Return how many bits are set."""
    return int.from_bytes(bits, "big").bit_count()
