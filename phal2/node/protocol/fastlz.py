"""The length that FastLZ level 1 would compress to: the size estimate of L1 data from Fjord on.

Only the length counts, so nothing is ever written. The variant is solady's LibZip, which the GasPriceOracle runs on
chain (OP Stack "Fjord: FastLZ Implementation").
"""

from typing import Final

_WINDOW: Final = 0x1FFF
_HASH_MULTIPLIER: Final = 2654435769
_HASH_SHIFT: Final = 19
_HASH_MASK: Final = b"\xff\x1f\0\0\0\0\0\0"
"""The 13 bits of a hash in a number of 64 bits."""
_LITERAL_RUN: Final = 32
_LONGEST_MATCH: Final = 262
_UNMATCHED_TAIL: Final = 13


def flz_compressed_length(data: bytes, enough: int = 0) -> int:
    """Return the length in bytes of `data` compressed by FastLZ level 1.

    For whoever does not care what a length of at most `enough` is, `enough` is returned as soon as that is certain.
    """
    size = len(data)
    limit = size - _UNMATCHED_TAIL
    if limit <= 2:
        return _literals_length(size)
    slots = _slots(data)
    # A slot's entry is the last position that fell into it; before there is one, it stands for the first position.
    table = {slots[0]: 0}
    last_in = table.get
    compressed = 0
    literals_from = 0
    position = 2
    while position < limit:
        # Walk until three bytes repeat ones seen within the window. Positions enter the table as they are passed.
        while position < limit:
            slot = slots[position]
            candidate = last_in(slot)
            table[slot] = position
            if (
                candidate is not None
                and data[candidate : candidate + 3] == data[position : position + 3]
                and position - candidate <= _WINDOW
            ):
                break
            position += 1
        # The reference counts a position before it compares, so a match at the last one is not taken.
        if position + 1 >= limit:
            break
        assert candidate is not None  # noqa: S101 - tells the type checker how the walk ended
        if position > literals_from:
            compressed += _literals_length(position - literals_from)
        extra = _common_length(data, candidate + 3, position + 3, limit + 9)
        compressed += 3 * (extra // _LONGEST_MATCH) + (3 if extra % _LONGEST_MATCH >= 6 else 2)
        literals_from = position + extra + 3
        table[slots[literals_from - 2]] = literals_from - 2
        table[slots[literals_from - 1]] = literals_from - 1
        position = literals_from
        # A match takes at least one byte less than what it stands for, which makes up for the one byte more that it
        # costs to begin another run of literals behind it: so the rest is at most as long as if it were all literals.
        rest = size - literals_from
        if compressed + rest + rest // _LITERAL_RUN + 1 <= enough:
            return enough
    return compressed + _literals_length(size - literals_from)


def _slots(data: bytes) -> list[int]:
    """Return the hash of the three bytes from each position on.

    All are multiplied at once, as one long number with 64 bits for each: a hash takes the low 32 bits of a product of
    56. Those of the last two positions, which have fewer bytes, are never asked for.
    """
    size = len(data)
    lanes = bytearray(8 * size)
    lanes[::8] = data
    lanes[1:-8:8] = data[1:]
    lanes[2:-16:8] = data[2:]
    products = int.from_bytes(lanes, "little") * _HASH_MULTIPLIER
    hashes = products >> _HASH_SHIFT & int.from_bytes(_HASH_MASK * size, "little")
    return memoryview(hashes.to_bytes(8 * size, "little")).cast("Q").tolist()


def _literals_length(count: int) -> int:
    runs, rest = divmod(count, _LITERAL_RUN)
    return runs * (_LITERAL_RUN + 1) + (rest + 1 if rest else 0)


def _common_length(data: bytes, first: int, second: int, end: int) -> int:
    """Return how many bytes from `first` equal those from `second`; one less where they agree up to `end`."""
    longest = end - second
    length = 0
    while length < longest and data[first + length] == data[second + length]:
        length += 1
    return min(length, longest - 1)
