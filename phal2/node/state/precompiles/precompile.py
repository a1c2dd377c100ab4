"""What a precompiled contract is: a price and a function of the input, apart from any engine."""

from collections.abc import Callable
from dataclasses import dataclass

from phal2.node.protocol.errors import Phal2Error


class PrecompileFailure(Phal2Error):
    """Input that a precompiled contract refuses: the call fails and burns its gas."""


@dataclass(frozen=True, slots=True)
class Precompile:
    """A precompiled contract.

    `gas` gives the price of an input and is asked first; `run` gives the output or raises `PrecompileFailure`.
    """

    gas: Callable[[bytes], int]
    run: Callable[[bytes], bytes]


def fixed_gas(amount: int) -> Callable[[bytes], int]:
    """Return a price that does not depend on the input."""
    return lambda _: amount


def word_gas(base: int, per_word: int) -> Callable[[bytes], int]:
    """Return a price with a share for every 32 bytes begun."""
    return lambda data: base + per_word * ((len(data) + 31) // 32)
