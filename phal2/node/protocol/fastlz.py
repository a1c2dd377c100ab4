"""The length that FastLZ level 1 would compress to: the size estimate of L1 data from Fjord on.

Only the length counts, so nothing is ever written. The variant is solady's LibZip, which the GasPriceOracle runs on
chain (OP Stack "Fjord: FastLZ Implementation").
"""

from typing import Final

_WINDOW: Final = 0x1FFF
_HASH_MULTIPLIER: Final = 2654435769
_LITERAL_RUN: Final = 32
_LONGEST_MATCH: Final = 262
_UNMATCHED_TAIL: Final = 13


def flz_compressed_length(data: bytes) -> int:
    """Return the length in bytes of `data` compressed by FastLZ level 1."""
    size = len(data)
    limit = max(size - _UNMATCHED_TAIL, 0)
    # The three bytes from each position on as one number. A slot's entry is the last position that fell into it.
    words = [first | second << 8 | third << 16 for first, second, third in zip(data, data[1:], data[2:], strict=False)]
    table: dict[int, int] = {}
    compressed = 0
    literals_from = 0
    position = 2
    while position < limit:
        # Walk until three bytes repeat ones seen within the window. Positions enter the table as they are passed.
        while position < limit:
            word = words[position]
            slot = (_HASH_MULTIPLIER * word & 0xFFFFFFFF) >> 19
            candidate = table.get(slot, 0)
            table[slot] = position
            if words[candidate] == word and position - candidate <= _WINDOW:
                break
            position += 1
        # The reference counts a position before it compares, so a match at the last one is not taken.
        if position + 1 >= limit:
            break
        if position > literals_from:
            compressed += _literals_length(position - literals_from)
        extra = _common_length(data, candidate + 3, position + 3, limit + 9)
        compressed += 3 * (extra // _LONGEST_MATCH) + (3 if extra % _LONGEST_MATCH >= 6 else 2)
        position += extra + 1
        for _ in range(2):
            table[(_HASH_MULTIPLIER * words[position] & 0xFFFFFFFF) >> 19] = position
            position += 1
        literals_from = position
    return compressed + _literals_length(size - literals_from)


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
