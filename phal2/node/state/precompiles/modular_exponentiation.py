"""MODEXP (EIP-198) at the price of EIP-2565."""

from typing import Final

import gmpy2

MINIMUM_GAS: Final = 200


def modexp_gas(data: bytes) -> int:
    """Return the price of an input (lengths of base, exponent and modulus as words, then the three)."""
    base_length, exponent_length, modulus_length = _lengths(data)
    words = (max(base_length, modulus_length) + 7) // 8
    head = int.from_bytes(_part(data, 96 + base_length, min(exponent_length, 32)), "big")
    iterations = max(head.bit_length() - 1, 0)
    if exponent_length > 32:
        iterations += 8 * (exponent_length - 32)
    return max(MINIMUM_GAS, words * words * max(iterations, 1) // 3)


def modexp(data: bytes) -> bytes:
    """Return base ** exponent mod modulus in as many bytes as the modulus has; modulo 0 is 0."""
    base_length, exponent_length, modulus_length = _lengths(data)
    if modulus_length == 0:
        return b""
    modulus_start = 96 + base_length + exponent_length
    modulus = int.from_bytes(_part(data, modulus_start, modulus_length), "big")
    if modulus == 0:
        return bytes(modulus_length)
    base = int.from_bytes(_part(data, 96, base_length), "big")
    exponent = int.from_bytes(_part(data, 96 + base_length, exponent_length), "big")
    # Releasing the interpreter's lock lets the event loop go on, as one exponentiation may take over a second.
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        power = gmpy2.powmod(base, exponent, modulus)
    return int(power).to_bytes(modulus_length, "big")


def _lengths(data: bytes) -> tuple[int, int, int]:
    padded = data[:96].ljust(96, b"\0")
    first, second, third = (int.from_bytes(padded[start : start + 32], "big") for start in (0, 32, 64))
    return first, second, third


def _part(data: bytes, start: int, length: int) -> bytes:
    """Return `length` bytes from `start`, as if zeros followed the input; fewer where none of them is given."""
    part = data[start : start + length]
    return part.ljust(length, b"\0") if part else b""
