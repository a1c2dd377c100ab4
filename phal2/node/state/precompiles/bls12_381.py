"""The operations on BLS12-381 (EIP-2537)."""

from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from phal2.node.state.precompiles.bls12_381_discounts import G1_DISCOUNTS, G2_DISCOUNTS
from phal2.node.state.precompiles.precompile import PrecompileFailure

FIELD_MODULUS: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
FIELD_LENGTH: Final = 64
G1_LENGTH: Final = 2 * FIELD_LENGTH
G2_LENGTH: Final = 4 * FIELD_LENGTH
SCALAR_LENGTH: Final = 32

G1_ADD_GAS: Final = 375
G2_ADD_GAS: Final = 600
G1_MULTIPLICATION_GAS: Final = 12_000
G2_MULTIPLICATION_GAS: Final = 22_500
PAIRING_BASE_GAS: Final = 37_700
PAIRING_GAS_PER_PAIR: Final = 32_600
MAP_TO_G1_GAS: Final = 5_500
MAP_TO_G2_GAS: Final = 23_800

_PADDING: Final = bytes(16)
_Fp2 = tuple[int, int]


def add_g1(data: bytes) -> bytes:
    """Return the sum of two points of G1's curve, which need not be in the subgroup."""
    _require_length(data, 2 * G1_LENGTH)
    return _encode_g1(_curve_point_g1(data[:G1_LENGTH]) + _curve_point_g1(data[G1_LENGTH:]))


def add_g2(data: bytes) -> bytes:
    """Return the sum of two points of G2's curve, which need not be in the subgroup."""
    _require_length(data, 2 * G2_LENGTH)
    return _encode_g2(_curve_point_g2(data[:G2_LENGTH]) + _curve_point_g2(data[G2_LENGTH:]))


def multiply_g1_gas(data: bytes) -> int:
    """Return the price of a multi-scalar multiplication in G1."""
    return _multiplication_gas(len(data) // (G1_LENGTH + SCALAR_LENGTH), G1_MULTIPLICATION_GAS, G1_DISCOUNTS)


def multiply_g2_gas(data: bytes) -> int:
    """Return the price of a multi-scalar multiplication in G2."""
    return _multiplication_gas(len(data) // (G2_LENGTH + SCALAR_LENGTH), G2_MULTIPLICATION_GAS, G2_DISCOUNTS)


def multiply_g1(data: bytes) -> bytes:
    """Return the sum of the points of G1, each times its scalar."""
    entries = _entries(data, G1_LENGTH + SCALAR_LENGTH)
    points = [_subgroup_point_g1(entry[:G1_LENGTH]) for entry in entries]
    scalars = [Scalar.from_be_bytes_mod_order(entry[G1_LENGTH:]) for entry in entries]
    return _encode_g1(G1Point.multiexp_unchecked(points, scalars))


def multiply_g2(data: bytes) -> bytes:
    """Return the sum of the points of G2, each times its scalar."""
    entries = _entries(data, G2_LENGTH + SCALAR_LENGTH)
    points = [_subgroup_point_g2(entry[:G2_LENGTH]) for entry in entries]
    scalars = [Scalar.from_be_bytes_mod_order(entry[G2_LENGTH:]) for entry in entries]
    return _encode_g2(G2Point.multiexp_unchecked(points, scalars))


def pairing_gas(data: bytes) -> int:
    """Return the price of a pairing check."""
    return PAIRING_BASE_GAS + PAIRING_GAS_PER_PAIR * (len(data) // (G1_LENGTH + G2_LENGTH))


def check_pairing(data: bytes) -> bytes:
    """Return 1 or 0 as a word: whether the product of the pairings of the (G1, G2) pairs is one."""
    entries = _entries(data, G1_LENGTH + G2_LENGTH)
    g1_points = [_subgroup_point_g1(entry[:G1_LENGTH]) for entry in entries]
    g2_points = [_subgroup_point_g2(entry[G1_LENGTH:]) for entry in entries]
    return int(GT.pairing_check(g1_points, g2_points)).to_bytes(32, "big")


def map_to_g1(data: bytes) -> bytes:
    """Return the point of G1 that a field element maps to."""
    _require_length(data, FIELD_LENGTH)
    return _encode_g1(G1Point.map_from_fp_be(_field_bytes(data)))


def map_to_g2(data: bytes) -> bytes:
    """Return the point of G2 that an element of the quadratic extension maps to."""
    _require_length(data, 2 * FIELD_LENGTH)
    return _encode_g2(G2Point.map_from_fp2_be(_field_bytes(data[:FIELD_LENGTH]) + _field_bytes(data[FIELD_LENGTH:])))


def _require_length(data: bytes, length: int) -> None:
    if len(data) != length:
        raise PrecompileFailure(f"BLS12-381 input of {len(data)} bytes, expected {length}")


def _entries(data: bytes, length: int) -> list[bytes]:
    if not data or len(data) % length:
        raise PrecompileFailure(f"BLS12-381 input of {len(data)} bytes, expected a multiple of {length}")
    return [data[start : start + length] for start in range(0, len(data), length)]


def _multiplication_gas(count: int, gas: int, discounts: tuple[int, ...]) -> int:
    if count == 0:
        return 0
    return count * gas * discounts[min(count, len(discounts)) - 1] // 1000


def _field_bytes(data: bytes) -> bytes:
    """Return the 48 bytes of a field element that is padded to 64."""
    if int.from_bytes(data, "big") >= FIELD_MODULUS:
        raise PrecompileFailure("coordinate is not below the BLS12-381 field modulus")
    return data[16:]


def _coordinates(data: bytes) -> list[bytes]:
    return [_field_bytes(data[start : start + FIELD_LENGTH]) for start in range(0, len(data), FIELD_LENGTH)]


def _curve_point_g1(data: bytes) -> G1Point:
    coordinates = _coordinates(data)
    x, y = (int.from_bytes(coordinate, "big") for coordinate in coordinates)
    if x == y == 0:
        return G1Point.identity()
    if (y * y - x * x * x - 4) % FIELD_MODULUS:
        raise PrecompileFailure("point is not on the BLS12-381 curve")
    return G1Point.from_xy_bytes_unchecked_be(b"".join(coordinates))


def _curve_point_g2(data: bytes) -> G2Point:
    coordinates = _coordinates(data)
    x_real, x_imaginary, y_real, y_imaginary = (int.from_bytes(coordinate, "big") for coordinate in coordinates)
    x, y = (x_real, x_imaginary), (y_real, y_imaginary)
    if x == y == (0, 0):
        return G2Point.identity()
    left, right = _multiply_fp2(y, y), _multiply_fp2(_multiply_fp2(x, x), x)
    if (left[0] - right[0] - 4) % FIELD_MODULUS or (left[1] - right[1] - 4) % FIELD_MODULUS:
        raise PrecompileFailure("point is not on the twist of the BLS12-381 curve")
    return G2Point.from_xy_bytes_unchecked_be(b"".join(coordinates))


def _subgroup_point_g1(data: bytes) -> G1Point:
    point = _curve_point_g1(data)
    if not point.is_in_subgroup():
        raise PrecompileFailure("point is not in G1")
    return point


def _subgroup_point_g2(data: bytes) -> G2Point:
    point = _curve_point_g2(data)
    if not point.is_in_subgroup():
        raise PrecompileFailure("point is not in G2")
    return point


def _multiply_fp2(a: _Fp2, b: _Fp2) -> _Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % FIELD_MODULUS, (a[0] * b[1] + a[1] * b[0]) % FIELD_MODULUS


def _encode_g1(point: G1Point) -> bytes:
    return _pad_coordinates(point.to_xy_bytes_be())


def _encode_g2(point: G2Point) -> bytes:
    return _pad_coordinates(point.to_xy_bytes_be())


def _pad_coordinates(packed: bytes) -> bytes:
    return b"".join(_PADDING + packed[start : start + 48] for start in range(0, len(packed), 48))
