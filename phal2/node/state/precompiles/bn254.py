"""Addition, multiplication and pairing check on alt-bn128 (EIP-196, EIP-197; prices of EIP-1108).

What is a valid input is decided here; multiplications and pairings are arkworks', through zksnake's compiled module.
Its constructors abort on coordinates that are no point, so nothing reaches them that has not been checked.
"""

from typing import Final

import gmpy2
from zksnake._algebra import ec_bn254

from phal2.node.state.precompiles.precompile import PrecompileFailure

FIELD_MODULUS: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
GROUP_ORDER: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
PAIR_LENGTH: Final = 192
PAIRING_BASE_GAS: Final = 45_000
PAIRING_GAS_PER_PAIR: Final = 34_000

# The twist is y² = x³ + 3 / (9 + i), and 1 / (9 + i) = (9 - i) / 82.
_INVERSE_OF_82: Final = pow(82, -1, FIELD_MODULUS)
_TWIST_B_REAL: Final = 27 * _INVERSE_OF_82 % FIELD_MODULUS
_TWIST_B_IMAGINARY: Final = -3 * _INVERSE_OF_82 % FIELD_MODULUS

# Set in the last byte of a compressed point where, of y and -y, the greater one is meant (arkworks' encoding).
_GREATER_Y: Final = 0x80

_Point = tuple[int, int]
_INFINITY: Final = (0, 0)
_ONE: Final = ec_bn254.multi_pairing([], [])


def add(data: bytes) -> bytes:
    """Return the sum of two points of 64 bytes each."""
    padded = data[:128].ljust(128, b"\0")
    return _encode(_sum(_decode_g1(padded[:64]), _decode_g1(padded[64:])))


def multiply(data: bytes) -> bytes:
    """Return a point of 64 bytes times a scalar of 32 bytes."""
    padded = data[:96].ljust(96, b"\0")
    point = _decode_g1(padded[:64])
    scalar = int.from_bytes(padded[64:], "big") % GROUP_ORDER
    if point == _INFINITY or scalar == 0:
        return _encode(_INFINITY)
    product = ec_bn254.PointG1(*point) * scalar
    return _encode((product.x, product.y))


def pairing_gas(data: bytes) -> int:
    """Return the price of a pairing check."""
    return PAIRING_BASE_GAS + PAIRING_GAS_PER_PAIR * (len(data) // PAIR_LENGTH)


def check_pairing(data: bytes) -> bytes:
    """Return 1 or 0 as a word: whether the product of the pairings of the (G1, G2) pairs is one."""
    if len(data) % PAIR_LENGTH:
        raise PrecompileFailure(f"pairing input of {len(data)} bytes, expected a multiple of {PAIR_LENGTH}")
    g1_points, g2_points = [], []
    for start in range(0, len(data), PAIR_LENGTH):
        g1 = _decode_g1(data[start : start + 64])
        g2 = _decode_g2(data[start + 64 : start + PAIR_LENGTH])
        # The pairing of infinity with anything is one.
        if g1 != _INFINITY and g2 is not None:
            g1_points.append(ec_bn254.PointG1(*g1))
            g2_points.append(g2)
    holds = ec_bn254.multi_pairing(g1_points, g2_points) == _ONE
    return int(holds).to_bytes(32, "big")


def _decode_g1(data: bytes) -> _Point:
    """Return a point of the curve, whose every point is in the group, or (0, 0) for infinity."""
    x, y = _field_element(data[:32]), _field_element(data[32:])
    if x == y == 0:
        return _INFINITY
    if (y * y - x * x * x - 3) % FIELD_MODULUS:
        raise PrecompileFailure("point is not on the alt-bn128 curve")
    return x, y


def _decode_g2(data: bytes) -> ec_bn254.PointG2 | None:
    """Return a point of the twist's subgroup, or None for infinity."""
    x_imaginary, x_real, y_imaginary, y_real = (_field_element(data[start : start + 32]) for start in (0, 32, 64, 96))
    if x_imaginary == x_real == y_imaginary == y_real == 0:
        return None
    square_real, square_imaginary = x_real * x_real - x_imaginary * x_imaginary, 2 * x_real * x_imaginary
    right_real = square_real * x_real - square_imaginary * x_imaginary + _TWIST_B_REAL
    right_imaginary = square_real * x_imaginary + square_imaginary * x_real + _TWIST_B_IMAGINARY
    left_real, left_imaginary = y_real * y_real - y_imaginary * y_imaginary, 2 * y_real * y_imaginary
    if (left_real - right_real) % FIELD_MODULUS or (left_imaginary - right_imaginary) % FIELD_MODULUS:
        raise PrecompileFailure("point is not on the twist of the alt-bn128 curve")
    compressed = bytearray(x_real.to_bytes(32, "little") + x_imaginary.to_bytes(32, "little"))
    if _is_greater_half(y_imaginary or y_real):
        compressed[-1] |= _GREATER_Y
    try:
        # Unlike the constructor, which aborts, this raises an error for a point outside the subgroup.
        return ec_bn254.PointG2.from_bytes(bytes(compressed))
    except ValueError as error:
        raise PrecompileFailure("point is not in the subgroup of the alt-bn128 curve's twist") from error


def _sum(a: _Point, b: _Point) -> _Point:
    if a == _INFINITY:
        return b
    if b == _INFINITY:
        return a
    (x1, y1), (x2, y2) = a, b
    if x1 != x2:
        slope = (y2 - y1) * _inverse(x2 - x1)
    elif y1 == y2:
        # The group's order is odd, so no point has y = 0.
        slope = 3 * x1 * x1 * _inverse(2 * y1)
    else:
        return _INFINITY
    x = (slope * slope - x1 - x2) % FIELD_MODULUS
    return x, (slope * (x1 - x) - y1) % FIELD_MODULUS


def _inverse(number: int) -> int:
    return int(gmpy2.invert(number, FIELD_MODULUS))


def _is_greater_half(number: int) -> bool:
    return 2 * number > FIELD_MODULUS


def _field_element(data: bytes) -> int:
    value = int.from_bytes(data, "big")
    if value >= FIELD_MODULUS:
        raise PrecompileFailure("coordinate is not below the alt-bn128 field modulus")
    return value


def _encode(point: _Point) -> bytes:
    x, y = point
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")
