"""The program of the process that computes roots: lists on standard input, their roots on standard output.

A question is its number and how many lists there are; of each list how many values, the length of each, and all of them
together. An answer is the number, how many roots there are, and the roots. It ends with its input.
"""

import os
import sys
from array import array
from itertools import accumulate, pairwise
from struct import Struct
from typing import IO, Final

from phal2.node.protocol.ordered_trie import ordered_trie_root

QUESTION: Final = Struct(">QI")
ANSWER: Final = Struct(">QI")
ROOT_LENGTH: Final = 32


def main() -> int:
    """Answer until the input ends."""
    source, target = sys.stdin.buffer, sys.stdout.fileno()
    try:
        while len(question := source.read(QUESTION.size)) == QUESTION.size:
            number, count = QUESTION.unpack(question)
            # All is read before anything is computed, as the asker waits until it is taken.
            lists = [_read_values(source) for _ in range(count)]
            roots = map(ordered_trie_root, lists)
            os.write(target, ANSWER.pack(number, count) + b"".join(roots))
    except (BrokenPipeError, EOFError):
        return 1
    return 0


def _read_values(source: IO[bytes]) -> list[bytes]:
    lengths = _read_numbers(source, _read_numbers(source, 1)[0])
    together = source.read(sum(lengths))
    return [together[start:end] for start, end in pairwise(accumulate(lengths, initial=0))]


def _read_numbers(source: IO[bytes], count: int) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(source.read(count * numbers.itemsize))
    if len(numbers) < count:
        raise EOFError
    return numbers


if __name__ == "__main__":
    sys.exit(main())
